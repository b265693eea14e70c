// The ES module as a page's TypeScript uses it; what must not pass is marked.
import edge, {
  EdgeError,
  delete as forget,
  infer,
  on,
  put,
  reload,
  router,
  start,
  statistics,
  track,
  type CallBack,
  type Edge,
  type ErrorCode,
  type PlainError,
  type RunResult,
  type StatusBody,
} from "edge-web-runtime";

const started: Promise<Edge> = start({ config: "/config.json", base: "/edge/", vms: "auto" });
start({ config: { systemCode: "demo-shop", bundles: [] }, capture: false, vms: 2 });
// @ts-expect-error config is needed
start({});
// @ts-expect-error an unknown option
start({ config: "/config.json", debug: true });

const off: () => void = on("status", ({ state, reason, boot }: StatusBody) => {
  const isOver: boolean = state === "failed" || state === "unsupported" || state === "stopped";
  const mode: "snapshot" | "cold" | "forwarding" | undefined = boot?.mode;
  console.log(isOver, mode, reason?.length);
  // @ts-expect-error no such state
  if (state === "broken") off();
});
on("result", ({ value, timings, taskName }) => console.log(value, timings.inferMs, taskName.length));
on("error", ({ error }) => console.log(error.code, error.number));
on("log", ({ level }) => level === "warning");
// @ts-expect-error no such event
on("ready", () => {});
// @ts-expect-error a result is no status
on("result", ({ state }) => state);

async function rank(photo: File, signal: AbortSignal): Promise<unknown> {
  const options = { systemCode: "demo-shop", businessCode: "rank", priority: "core" as const };
  try {
    const { value, backend }: RunResult = await infer({ ...options, extData: { photo }, signal });
    // @ts-expect-error a task may return anything: look at it first
    value.order;
    return backend.ranker?.refused?.webgpu ?? value;
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error;
    const known: EdgeError = error;
    const code: ErrorCode = known.code;
    // @ts-expect-error no such code
    if (code === "nothing") return null;
    return code === "circuit-open" ? error.details.retryAfterMs : error.toPlain().message;
  }
}
// @ts-expect-error both codes are needed
infer({ systemCode: "demo-shop" });
// @ts-expect-error no such priority
infer({ systemCode: "demo-shop", businessCode: "rank", priority: "high" });

track({ type: "mta", pageId: "Home", clickId: "buy", props: { sku: 7 } });
// @ts-expect-error the page is needed
track({ type: "mta" });

async function values(): Promise<number> {
  await put("ui.theme", "dark", { encrypted: false });
  await forget("ui.theme");
  const theme: unknown = await edge.get("ui.theme");
  const problems: PlainError[] = (await reload()).problems;
  const figures = await statistics();
  // @ts-expect-error the record is frozen
  figures.paused = true;
  return problems.length + figures.queues.core.waiting + Number(theme);
}
// @ts-expect-error a key is text
edge.get(7);

const listener: CallBack = {
  onComplete(value) {
    console.log(value?.order);
  },
  onError(errorCode) {
    console.log(errorCode.toFixed());
  },
};
router
  .to("JDEdgeAI", "infer")
  .putString("systemCode", "demo-shop")
  .putString("businessCode", "rank")
  .extraObject("extData", { limit: 10 })
  .callBackListener(listener)
  .jump();
// @ts-expect-error no such method
router.to("JDEdgeAI", "train");
// @ts-expect-error codes are text
router.to("JDEdgeAI", "infer").putString("systemCode", 7);
// @ts-expect-error nothing follows a jump
router.to("JDEdgeAI", "infer").jump().jump();

export { rank, started, values };
