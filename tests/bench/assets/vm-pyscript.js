// PyScript's page: its script tag starts a worker, whose function is called through its `sync`.
const script = document.querySelector('script[type="py"]');
const done = new Promise((resolve) => script.addEventListener("py:done", resolve));

window.scoreBench = {
  call: (values) => script.xworker.sync.score(values),
  start: () => done,
};
