/** The element: what was heard and asked, drawn as panes behind tabs. */

import { html, LitElement, nothing } from "lit";
import { NO_FILTER, shownEvents, shownLines, shownRuns, taskNames } from "./filters.js";
import { createJournal } from "./journal.js";
import { controlStyle } from "./style-controls.js";
import { colourStyle } from "./style-colours.js";
import { paneStyle } from "./style-panes.js";
import { tableStyle } from "./style-tables.js";
import { panelStyle } from "./style.js";
import { stateOf } from "./system.js";
import { isFiltered, tabByKey, tabNamed } from "./tabs.js";
import { fetchTrace, saveFile, traceName } from "./trace-file.js";
import { filterBar, headerBar, tabBar } from "./view-controls.js";
import { modelsPane, queuesPane, storePane, systemPane } from "./view-figures.js";
import { eventsPane, logPane } from "./view-lists.js";
import { empty } from "./view-parts.js";
import { runsPane } from "./view-runs.js";
import { createWatch } from "./watch.js";

/** @import { Edge } from "../types.js" */
/** @import { Filter } from "./filters.js" */
/** @import { Run } from "./journal.js" */

/**
 * @property {Edge} [edge]  Default: `window.EdgeAI`. Attributes: `open`, `tab`, `theme` (`light` or `dark`).
 * Tells `close` when its own button or Escape has closed it.
 */
export class EdgeInspector extends LitElement {
  static properties = {
    edge: { attribute: false },
    open: { type: Boolean, reflect: true },
    tab: { type: String, reflect: true },
  };

  static styles = [panelStyle, colourStyle, controlStyle, paneStyle, tableStyle];

  // Not as fields of the class: these would hide the properties' accessors.
  constructor() {
    super();
    /** @type {Edge | undefined} */
    this.edge = undefined;
    this.open = false;
    this.tab = "runs";
    this.journal = createJournal();
    /** @type {Filter} */
    this.filter = NO_FILTER;
    /** @type {Set<number>} */
    this.opened = new Set();
    /** What was known when it was paused. @type {{runs: Run[], events: any[], lines: any[], nowMs: number} | undefined} */
    this.frozen = undefined;
    this.said = "";
    this.watch = createWatch({
      edgeOf: () => this.edge ?? /** @type {any} */ (window).EdgeAI,
      journal: this.journal,
      isSeen: () => this.isSeen && !this.frozen,
      draw: () => this.requestUpdate(),
    });
    this.look = () => this.watch.look();
    this.listen = () => this.watch.start();
  }

  get isSeen() {
    return this.isConnected && this.open && document.visibilityState === "visible";
  }

  connectedCallback() {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.look);
    // The runtime's own script may come later.
    window.addEventListener("load", this.listen);
    this.listen();
    this.watch.look();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.look);
    window.removeEventListener("load", this.listen);
    this.watch.stop();
  }

  /** @param {Map<string, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("tab")) this.said = "";
  }

  /** @param {Map<string, unknown>} changed */
  updated(changed) {
    if (changed.has("edge")) {
      this.watch.stop();
      this.watch.start();
    }
    if (changed.has("open") || changed.has("edge")) this.watch.look();
  }

  /** @param {FocusOptions} [options]  The tab in use gets it, once it is drawn. */
  focus(options) {
    this.updateComplete.then(() => this.tabButton?.focus(options));
  }

  /** Close, as its button does. */
  close() {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  }

  /** Stop what is shown, or show again what is new; listening goes on meanwhile. */
  pause() {
    const { runs, events, lines } = this.journal;
    this.frozen = this.frozen
      ? undefined
      : { runs: [...runs], events: [...events], lines: [...lines], nowMs: Date.now() };
    this.watch.look();
    this.requestUpdate();
  }

  clear() {
    this.journal.clear();
    this.opened.clear();
    if (this.frozen) this.frozen = { runs: [], events: [], lines: [], nowMs: Date.now() };
    this.requestUpdate();
  }

  /** Save the trace as a file, or say why there is none. */
  async export() {
    const { text, said } = await fetchTrace(this.edge ?? /** @type {any} */ (window).EdgeAI);
    if (text) saveFile(text, traceName(Date.now()));
    this.said = said;
    this.requestUpdate();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    // In a search field Escape empties it first, as browsers do.
    const isField = event.target instanceof HTMLInputElement && event.target.value !== "";
    if (event.key === "Escape" && !isField) this.close();
  }

  /** @param {KeyboardEvent} event */
  onTabKey(event) {
    const next = tabByKey(this.tab, event.key);
    if (!next) return;
    event.preventDefault();
    this.tab = next;
    this.focus();
  }

  /** @returns {HTMLElement | null | undefined} */
  get tabButton() {
    return this.renderRoot.querySelector("[role=tab][aria-selected=true]");
  }

  /** @param {Partial<Filter>} changed */
  narrow(changed) {
    this.filter = { ...this.filter, ...changed };
    this.requestUpdate();
  }

  /** @param {number} key */
  toggle(key) {
    if (!this.opened.delete(key)) this.opened.add(key);
    this.requestUpdate();
  }

  render() {
    if (!this.open) return nothing;
    const tab = tabNamed(this.tab);
    const { runs } = this.frozen ?? this.journal;
    return html`<section class="panel" aria-label="Edge inspector" @keydown=${this.onKey}>
      ${headerBar(this, stateOf(this.journal.status, this.watch.statistics))} ${tabBar(tab, this)}
      ${isFiltered(tab) ? filterBar(this, tab, taskNames(runs, this.watch.statistics?.tasks)) : nothing}
      <div role="tabpanel" id="pane" aria-labelledby="tab-${tab}" tabindex="0">
        ${this.pane(tab)}
      </div>
    </section>`;
  }

  /** @param {string} tab */
  pane(tab) {
    const { runs, events, lines } = this.frozen ?? this.journal;
    const nowMs = this.frozen?.nowMs ?? Date.now();
    if (tab === "runs") {
      const toggle = (/** @type {number} */ key) => this.toggle(key);
      return runsPane({ runs: shownRuns(runs, this.filter), nowMs, opened: this.opened, toggle });
    }
    if (tab === "events") return eventsPane(shownEvents(events, runs, this.filter));
    if (tab === "log") return logPane(shownLines(lines, this.filter));
    return this.figures(tab);
  }

  /** @param {string} tab */
  figures(tab) {
    const { statistics, trouble } = this.watch;
    if (!statistics) return empty(trouble || "Waiting for the runtime’s first figures.");
    const { status, problems, downloads } = this.journal;
    if (tab === "queues") return queuesPane(statistics);
    if (tab === "models") return modelsPane(statistics, downloads.values());
    if (tab === "store") return storePane(statistics);
    return systemPane(statistics, status, problems);
  }
}
