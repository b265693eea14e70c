// The inspector's element as a page's TypeScript uses it; what must not pass is marked.
import edge from "edge-web-runtime";
import { EdgeInspector } from "edge-web-runtime/edge-inspector.mjs";

const inspector: EdgeInspector = document.createElement("edge-inspector");
inspector.edge = edge;
inspector.open = true;
inspector.tab = "models";
// @ts-expect-error no such tab
inspector.tab = "network";
inspector.addEventListener("close", () => inspector.remove());
