/** The inspector's head: state, buttons, tabs and filters. */

import { html, nothing } from "lit";
import { OUTCOMES } from "./outcomes.js";
import { TABS } from "./tabs.js";

/** @import { EdgeInspector } from "./element.js" */

/**
 * @param {EdgeInspector} inspector
 * @param {{state: string, text: string}} state
 */
export function headerBar(inspector, { state, text }) {
  const { frozen, said } = inspector;
  return html`<header>
    <h2>Inspector</h2>
    <button class="tool" aria-pressed=${frozen !== undefined} @click=${inspector.pause}>
      Pause
    </button>
    <button class="tool" @click=${inspector.clear}>Clear</button>
    <button class="tool" @click=${inspector.export}>Export</button>
    <button class="tool close" aria-label="Close the inspector" @click=${inspector.close}>×</button>
    <p class="state" role="status"><span class="dot ${state}"></span>${said || text}</p>
  </header>`;
}

/**
 * @param {string} selected
 * @param {EdgeInspector} inspector
 */
export function tabBar(selected, inspector) {
  return html`<div role="tablist" aria-label="Views" @keydown=${inspector.onTabKey}>
    ${TABS.map(
      ([name, title]) =>
        html`<button
          role="tab"
          id="tab-${name}"
          aria-selected=${name === selected}
          aria-controls="pane"
          tabindex=${name === selected ? 0 : -1}
          @click=${() => (inspector.tab = name)}
        >
          ${title}
        </button>`,
    )}
  </div>`;
}

/**
 * @param {EdgeInspector} inspector
 * @param {string} tab      Lines of the log have no outcome.
 * @param {string[]} tasks
 */
export function filterBar(inspector, tab, tasks) {
  const { filter } = inspector;
  const { task, outcome, text } = filter;
  return html`<div class="filters" role="search" aria-label="Filters">
    ${choice("task", "any task", tasks, task, (chosen) => inspector.narrow({ task: chosen }))}
    ${
      tab === "log"
        ? nothing
        : choice("outcome", "any outcome", OUTCOMES, outcome, (chosen) =>
            inspector.narrow({ outcome: chosen }),
          )
    }
    <input
      type="search"
      aria-label="Text"
      placeholder="Text"
      .value=${text}
      @input=${(/** @type {any} */ { target }) => inspector.narrow({ text: target.value })}
    />
  </div>`;
}

/**
 * @param {string} label
 * @param {string} all
 * @param {string[]} options
 * @param {string} chosen
 * @param {(chosen: string) => void} choose
 */
function choice(label, all, options, chosen, choose) {
  const known = chosen && !options.includes(chosen) ? [...options, chosen] : options;
  return html`<select
    aria-label=${label}
    @change=${(/** @type {any} */ { target }) => choose(target.value)}
  >
    <option value="" ?selected=${!chosen}>${all}</option>
    ${known.map((name) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
  </select>`;
}
