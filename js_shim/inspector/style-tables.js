/** How the tables of the inspector's panes look. */

import { css } from "lit";

export const tableStyle = css`
  table {
    width: 100%;
    border-collapse: collapse;
    font-variant-numeric: tabular-nums;
  }
  th,
  td {
    padding: 6px 8px 6px 0;
    border-bottom: 1px solid var(--line);
    text-align: left;
    vertical-align: top;
    font-weight: 400;
    overflow-wrap: anywhere;
  }
  thead th {
    color: var(--soft);
    font-size: 12px;
    white-space: nowrap;
  }
  .wide {
    overflow-x: auto;
  }
  .figures th[scope="row"],
  .runs th b {
    font-weight: 600;
  }
  .wide .figures th,
  .wide .figures td {
    white-space: nowrap;
  }
  .figures td.loud {
    color: var(--accent);
    font-weight: 650;
  }
  .number {
    text-align: right;
    white-space: nowrap;
    padding-right: 0;
  }
  .runs tbody th,
  .runs tbody td {
    vertical-align: middle;
  }
  .runs .timeline {
    width: 44%;
    color: var(--soft);
  }
  .runs button.row {
    display: block;
    width: 100%;
    padding: 0;
    border: 0;
    background: none;
    text-align: left;
    font-weight: 600;
  }
  .runs button.row:hover {
    color: var(--accent);
  }
  .runs small,
  .list small {
    display: block;
    font-weight: 400;
  }
  .list td {
    width: 34%;
    padding-right: 0;
  }
  .log td {
    width: 5em;
    text-align: right;
  }
  @media (width < 720px) {
    .runs .timeline {
      width: 30%;
    }
    .runs button.row {
      min-height: 40px;
    }
  }
`;
