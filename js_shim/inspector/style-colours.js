/** The inspector's colours, light and dark, and what each kind of thing has. */

import { css } from "lit";

const light = css`
  --paper: #ffffff;
  --raised: #f6f8fa;
  --line: #d5dbe1;
  --ink: #1b2026;
  --soft: #57606a;
  --accent: #0a5dc2;
  --ok: #1a7f37;
  --bad: #c01c2b;
  --late: #a4400a;
  --held: #875a00;
  --odd: #7a3fd0;
  --queued: #8c959f;
  --lane: #c98500;
  --infer: #8250df;
  --code: #2f81f7;
  color-scheme: light;
`;

const dark = css`
  --paper: #12161c;
  --raised: #1b2129;
  --line: #333b46;
  --ink: #e8edf3;
  --soft: #9aa5b1;
  --accent: #6cb0ff;
  --ok: #4ac26b;
  --bad: #ff7b72;
  --late: #f0883e;
  --held: #d9a21b;
  --odd: #c297ff;
  --queued: #6e7681;
  --lane: #d29922;
  --infer: #a371f7;
  --code: #4493f8;
  color-scheme: dark;
`;

export const colourStyle = css`
  :host {
    ${light}
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme="light"])) {
      ${dark}
    }
  }
  :host([theme="dark"]) {
    ${dark}
  }
  .ok,
  .closed {
    --kind: var(--ok);
  }
  .failed,
  .error,
  .open,
  .forced-open {
    --kind: var(--bad);
  }
  .late {
    --kind: var(--late);
  }
  .refused,
  .warning,
  .half-open {
    --kind: var(--held);
  }
  .fallback {
    --kind: var(--odd);
  }
  .queued,
  .cancelled {
    --kind: var(--queued);
  }
  .lane {
    --kind: var(--lane);
  }
  .infer {
    --kind: var(--infer);
  }
  .code {
    --kind: var(--code);
  }
  rect {
    fill: var(--kind);
  }
  i {
    background: var(--kind);
  }
`;
