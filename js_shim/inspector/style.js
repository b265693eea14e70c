/** How the inspector lies on the page: docked at the right, on narrow screens a sheet at the bottom. */

import { css } from "lit";

export const panelStyle = css`
  :host {
    all: initial;
    position: fixed;
    z-index: 2147483000;
    inset: 0 0 0 auto;
    width: min(560px, 100vw);
    contain: layout style;
    font:
      13px/1.45 system-ui,
      -apple-system,
      "Segoe UI",
      Roboto,
      sans-serif;
  }
  :host(:not([open])) {
    display: none;
  }
  .panel {
    box-sizing: border-box;
    display: flex;
    flex-direction: column;
    height: 100%;
    background: var(--paper);
    color: var(--ink);
    border-left: 1px solid var(--line);
    box-shadow: -8px 0 28px rgb(0 0 0 / 14%);
  }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 6px;
    padding: 10px 10px 8px 14px;
  }
  h2 {
    flex: 1;
    margin: 0;
    font-size: 15px;
    font-weight: 650;
  }
  header .state {
    flex: 1 0 100%;
    margin: 0;
    color: var(--soft);
    overflow-wrap: anywhere;
  }
  .dot {
    display: inline-block;
    width: 8px;
    height: 8px;
    margin-right: 5px;
    border-radius: 50%;
    background: var(--held);
  }
  .dot.ready {
    background: var(--ok);
  }
  .dot.failed,
  .dot.stopped {
    background: var(--bad);
  }
  [role="tabpanel"] {
    flex: 1;
    min-height: 0;
    overflow: auto;
    overscroll-behavior: contain;
    padding: 4px 12px 16px;
  }
  @media (width < 720px) {
    :host {
      inset: auto 0 0 0;
      width: 100%;
      height: min(72vh, 72dvh);
    }
    .panel {
      border-left: 0;
      border-top: 1px solid var(--line);
      border-radius: 14px 14px 0 0;
      box-shadow: 0 -8px 28px rgb(0 0 0 / 18%);
      padding-bottom: env(safe-area-inset-bottom);
    }
  }
  @media (prefers-reduced-motion: no-preference) {
    :host([open]) .panel {
      animation: rise 160ms ease-out;
    }
    @keyframes rise {
      from {
        opacity: 0;
        translate: 0 12px;
      }
    }
  }
`;
