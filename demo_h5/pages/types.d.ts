/** What the demo's pages share: the runtime's global and the records of the catalogue. */
import type { RunResult } from "../../js_shim/protocol.js";

export interface Product {
  item: number;
  name: string;
  nameZh: string;
  category: string;
  categoryZh: string;
  tint: string;
  art: string;
  price: number;
  /** Empty where the data have none. */
  size: string;
  /** "Private" (the shop's own) or "National". */
  brand: string;
}

export interface Photo {
  file: string;
  title: string;
  titleZh: string;
  credit: string;
  licence: string;
}

export interface Notice {
  name: string;
  body: any;
  ts: number;
}

export interface Recognition {
  labels: { label: string; probability: number }[];
  /** Nearest first; `score` is a cosine, `look` the class that the photo is near to. */
  nearest: { item: number; score: number; look: string }[];
}

export interface Found {
  item: number;
  /** Cosine of the query and the title. */
  score: number;
  /** Every word of the query begins a word of the title. */
  literal: boolean;
}

export interface LabelLook {
  paper: string;
  band: string;
  ink: string;
  /** File name below /art, without .svg. */
  art: string;
  isPhoto: boolean;
}

export interface LabelSample {
  id: string;
  name: { zh: string; en: string };
  look: LabelLook;
  text: string;
}

/** Boxes are left, top, right and bottom as shares of the picture. */
export interface LabelFinding {
  word: string;
  start: number;
  end: number;
  box: number[];
  reason: string;
  reasonZh: string;
}

export interface LabelLine {
  text: string;
  confidence: number;
  box: number[];
  findings: LabelFinding[];
}

export type LabelResult = RunResult & { value: { lines: LabelLine[] } };

export type RankResult = RunResult & {
  value: { order: number[]; scores: number[]; hist: number[] };
};

export type SearchResult = RunResult & { value: { results: Found[] } };

export type RecogniseResult = RunResult & { value: Recognition };

declare global {
  interface Window {
    EdgeAI: any;
    EdgeBridge: any;
    shopNotices: { backlog: Notice[]; tell: ((notice: Notice) => void) | null };
  }
}
