/** How the inspector's buttons, tabs and filters look. */

import { css } from "lit";

export const controlStyle = css`
  button,
  select,
  input {
    font: inherit;
    color: inherit;
  }
  button {
    cursor: pointer;
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: -2px;
  }
  .tool {
    min-height: 32px;
    padding: 0 9px;
    border: 1px solid var(--line);
    border-radius: 7px;
    background: var(--raised);
  }
  .tool:hover {
    border-color: var(--soft);
  }
  .tool[aria-pressed="true"] {
    border-color: var(--accent);
    color: var(--accent);
  }
  .close {
    border-color: transparent;
    background: none;
    font-size: 18px;
    line-height: 1;
  }
  [role="tablist"] {
    display: flex;
    padding: 0 8px;
    border-bottom: 1px solid var(--line);
  }
  [role="tab"] {
    flex: 1 0 auto;
    min-height: 38px;
    padding: 0 8px;
    border: 0;
    border-bottom: 2px solid transparent;
    background: none;
    color: var(--soft);
  }
  [role="tab"][aria-selected="true"] {
    border-bottom-color: var(--accent);
    color: var(--ink);
    font-weight: 600;
  }
  .filters {
    display: flex;
    gap: 6px;
    padding: 8px 12px;
    border-bottom: 1px solid var(--line);
  }
  .filters select,
  .filters input {
    box-sizing: border-box;
    flex: 1 1 0;
    min-width: 0;
    min-height: 32px;
    padding: 0 6px;
    border: 1px solid var(--line);
    border-radius: 7px;
    background: var(--paper);
  }
  @media (width < 720px) {
    [role="tablist"] {
      padding: 0 2px;
    }
    [role="tab"] {
      min-height: 44px;
      padding: 0 4px;
      font-size: 12.5px;
    }
    [role="tab"][aria-selected="true"] {
      font-weight: 500;
    }
    .tool,
    .filters select,
    .filters input {
      min-height: 40px;
    }
  }
`;
