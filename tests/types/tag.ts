/// <reference types="edge-web-runtime/global" />
// A page with the script tag; what must not pass is marked.

EdgeAI.q.push(["on", "status", console.log], ["track", { type: "mta", pageId: "Home" }]);
window.EdgeAI.infer({ systemCode: "demo-shop", businessCode: "rank" }).then(
  ({ runId }) => runId.length,
  (error: unknown) => error instanceof EdgeAI.EdgeError && error.family,
);
EdgeAI.on("status", ({ state }) => state === "ready");
const version: string = EdgeAI.version;
// @ts-expect-error no such call
EdgeAI.q.push(["begin"]);
// @ts-expect-error no such call
EdgeAI.begin();
// @ts-expect-error it is not to be replaced
EdgeAI.version = version.length;

export {};
