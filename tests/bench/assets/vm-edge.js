// Our page beside PyScript's: starts as soon as it can, and calls the task.
const order = (values) => ({
  systemCode: "test-shop",
  businessCode: "score",
  extData: { values },
});

window.scoreBench = {
  call: async (values) => (await EdgeAI.infer(order(values))).value,
  start: () => EdgeAI.start({ config: "/config.json", capture: false, vms: 1 }),
};
