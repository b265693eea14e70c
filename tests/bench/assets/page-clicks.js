// What a page pays for clicks: each in a task of its own, as a person's are.

/**
 * Time the dispatch of clicks on the target.
 * @param {number} count
 * @returns {Promise<number[]>}  Milliseconds each.
 */
window.clickCosts = async (count) => {
  const target = document.getElementById("target");
  const costsMs = [];
  for (let i = 0; i < count; i++) {
    const event = new MouseEvent("click", { bubbles: true, composed: true, cancelable: true });
    const startedMs = performance.now();
    target.dispatchEvent(event);
    costsMs.push(performance.now() - startedMs);
    await new Promise((ok) => setTimeout(ok, 1));
  }
  return costsMs;
};
