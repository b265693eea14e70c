/** How the inspector's panes look: texts, facts, bars, badges. */

import { css } from "lit";

export const paneStyle = css`
  .empty {
    margin: 18px 2px;
    color: var(--soft);
  }
  .part {
    margin-top: 14px;
  }
  h3 {
    margin: 0 0 6px;
    font-size: 13px;
    font-weight: 650;
    overflow-wrap: anywhere;
  }
  small,
  .quiet,
  .summary,
  dt {
    color: var(--soft);
  }
  small {
    font-size: 12px;
  }
  .summary {
    margin: 0 0 6px;
  }
  .facts {
    margin: 0;
  }
  .facts div {
    display: grid;
    grid-template-columns: minmax(7em, 36%) 1fr;
    gap: 8px;
    padding: 5px 0;
    border-bottom: 1px solid var(--line);
  }
  dd {
    margin: 0;
    overflow-wrap: anywhere;
  }
  .overview {
    display: grid;
    grid-template-columns: minmax(5em, max-content) 1fr;
    gap: 4px 10px;
    align-items: center;
    margin: 10px 0 6px;
    padding: 8px 10px;
    border-radius: 9px;
    background: var(--raised);
  }
  .lane-name {
    max-width: 11em;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-size: 12px;
  }
  .axis {
    display: flex;
    justify-content: space-between;
    color: var(--soft);
    font-size: 11px;
  }
  .bar {
    display: block;
    width: 100%;
    height: 12px;
  }
  .details td {
    padding: 0 0 10px 12px;
    background: var(--raised);
  }
  .details .facts div:last-child {
    border-bottom: 0;
  }
  .legend {
    display: flex;
    gap: 14px;
    margin: 8px 0 4px;
    color: var(--soft);
    font-size: 12px;
  }
  .legend i {
    display: inline-block;
    width: 8px;
    height: 8px;
    margin-right: 5px;
    border-radius: 2px;
  }
  code,
  pre {
    margin: 0;
    font:
      12px/1.45 ui-monospace,
      "SF Mono",
      Menlo,
      Consolas,
      monospace;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .match {
    display: block;
    margin-bottom: 3px;
  }
  .plans th[scope="row"] {
    width: 34%;
  }
  .plan {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .plan .bar {
    flex: 0 0 45%;
  }
  .badge {
    display: inline-block;
    padding: 0 6px;
    border: 1px solid currentcolor;
    border-radius: 9px;
    font-size: 11.5px;
    line-height: 1.5;
    white-space: nowrap;
    color: var(--kind, var(--soft));
  }
`;
