// Our page of the loop's figure: clicks one by one; the worker's event loop is counted around them.
let settle = () => {};
let fail = () => {};

window.startCounted = async () => {
  await EdgeAI.start({ config: "/config.json" });
  EdgeAI.on("result", () => settle());
  EdgeAI.on("error", (error) => fail(new Error(error.message)));
  await EdgeAI.flush();
};

/** Click `count` times; each waits for its result and, if asked to, until the event is durable. */
window.clickAll = async (count, isDurable) => {
  for (let number = 0; number < count; number++) {
    const result = new Promise((...ends) => ([settle, fail] = ends));
    document.getElementById("target").click();
    await result;
    if (isDurable) await EdgeAI.flush();
  }
};
