/** `<edge-inspector>`: what the runtime of this page does, for its developer. Only pages that want it load it. */

import { EdgeInspector } from "./element.js";

export { EdgeInspector };

// Two copies of this script may come to one page.
if (!customElements.get("edge-inspector")) customElements.define("edge-inspector", EdgeInspector);
