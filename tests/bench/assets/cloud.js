// Peer for clicks: sends the last clicks to a server, which ranks the shop's products.
const hist = [];

addEventListener("click", async ({ target }) => {
  hist.push(Number(target.dataset.item));
  const body = JSON.stringify(hist.slice(-20));
  const response = await fetch("/rank", { method: "POST", body });
  window.clickBench.answered(await response.json());
});
