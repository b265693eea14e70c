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
}

export type RankResult = RunResult & {
  value: { order: number[]; scores: number[]; hist: number[] };
};

export type RecogniseResult = RunResult & { value: Recognition };

declare global {
  interface Window {
    EdgeAI: any;
    shopNotices: { backlog: Notice[]; tell: ((notice: Notice) => void) | null };
  }
}
