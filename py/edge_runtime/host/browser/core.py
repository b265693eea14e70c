"""What the worker calls: one synchronous method per kind of message, answers by a function."""

import asyncio
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Final

from ...errors import ConfigError, EdgeError, HostError
from ...pure.key_operations import writable_key
from ...pure.plain import join, split
from ...pure.requests import parse_infer_request
from ...pure.urgency import context_of
from ...run_events import TAKEN_UP_MS
from ...runtime import Runtime
from ...schema import show
from ...services.recorder import Recorder
from ...services.store_outbox import Outbox
from ...types import JsonValue
from ..ports import Host
from .configuration import located, plain_config
from .conversions import all_bytes, as_js

_METHODS: Final = (
    "infer",
    "outbox",
    "flush",
    "statistics",
    "get",
    "put",
    "delete",
    "pause",
    "resume",
    "reconfigure",
    "reload",
    "trace",
    "erase",
    "stop",
)

_NOTHING: Final = '{"value":{}}'


class Core:
    """One runtime behind the worker's messages.

    A request's answer goes to ``js_reply(call_id, json, buffers)``: ``{"value": …}`` or
    ``{"error": …}``. No promise is made per call, each would cost 0.2 ms and more.
    Configurations are fetched through ``host``; ``recorder`` is what the runtime tells a trace.
    """

    def __init__(
        self, runtime: Runtime, js_reply: Any, host: Host, recorder: Recorder | None
    ) -> None:
        self._runtime = runtime
        self._network, self._clock = host.network, host.clock
        self._recorder = recorder
        self._outbox = Outbox(host.crypto)
        self._js_reply = js_reply
        self._no_buffers = as_js([])
        self._answers: set[asyncio.Task[None]] = set()
        self._reconfiguring = asyncio.Lock()

    def dispatch(self, call_id: int, method: str, params_json: str, buffers: Sequence[Any]) -> None:
        """Start a request; ``buffers`` are copied before this returns."""
        task = _started(self._answer(call_id, method, params_json, all_bytes(buffers)))
        # The loop keeps weak references only. An answer given already needs no turn for its end.
        if not task.done():
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    def track(self, call_id: int, batch_json: str, client: str, is_again: bool = False) -> None:
        """Take a JSON array of event rows of one tab; answered when they are durable."""
        done = partial(self._js_reply, call_id, _NOTHING, self._no_buffers)
        self._runtime.track(batch_json, client, done, is_again=is_again)

    def cancel(self, call_id: int) -> None:
        """Cancel an ``infer`` by the id its caller gave it."""
        self._runtime.cancel(call_id)

    def take_up(self) -> None:
        """Go on with the runs that an earlier runtime left; pages are served."""
        self._runtime.take_up()

    async def _answer(
        self, call_id: int, method: str, params_json: str, buffers: Sequence[bytes]
    ) -> None:
        try:
            value = await self._call(method, join(params_json, buffers))
            text, out = split({"value": value})
        except EdgeError as error:
            text, out = _refused(error)
        except Exception as error:  # The border: a defect must not leave a caller waiting.
            text, out = _refused(_defect(method, error))
        self._js_reply(call_id, text, as_js(out))

    async def _call(self, method: str, params: Any) -> JsonValue:
        runtime = self._runtime
        match method:
            case "infer":
                return (await runtime.infer(parse_infer_request(params))).to_dict()
            case "outbox":
                return await self._exchange(params)
            case "get":
                return runtime.data.get(_key(params))
            case "statistics":
                return dict(runtime.statistics())
            case "reconfigure":
                return await self._reconfigure(_config(params))
            case "reload":
                return (await runtime.reload()).to_dict()
            case "trace":
                return self._trace()
        await self._do(method, params)
        return {}

    async def _exchange(self, params: Any) -> JsonValue:
        letters, client, runtime = params.get("letters"), params["client"], self._runtime

        def take(batch: str, is_old: bool) -> None:
            if is_old:
                # Nobody waits for what they would have run, and no trace has to know of it.
                runtime.data.add_batch(batch)
            else:
                runtime.track(batch, client, is_again=True)

        # Where nothing can be stored there is no paper, and letters wait: they would only grow.
        await runtime.flush()
        if isinstance(letters, str):
            since_ms = self._clock.now_ms() - TAKEN_UP_MS
            await self._outbox.open(letters, since_ms, take)
            # Within the request: a writer that ends before has not answered, the next one is asked.
            await runtime.flush()
        return await self._outbox.paper()

    async def _reconfigure(self, given: JsonValue) -> JsonValue:
        # One after the other: what was asked for last counts, however long its file takes.
        async with self._reconfiguring:
            config = located(await plain_config(self._network, given), given)
            problems = await self._runtime.deploy(config)
        # The tabs keep it for whichever writes next.
        return {"problems": [problem.to_dict() for problem in problems], "config": config}

    def _trace(self) -> str:
        if self._recorder is None:
            message = (
                "trace: expected a runtime started with trace: true, got one that keeps none. "
                "Pass it to start() in the tab that runs Python."
            )
            raise ConfigError("argument-invalid", message)
        return self._recorder.jsonl()

    async def _do(self, method: str, params: Any) -> None:
        match method:
            case "put":
                key, encrypted = writable_key(_key(params)), params.get("encrypted")
                await self._runtime.data.put(key, params.get("value"), encrypted)
            case "delete":
                await self._runtime.data.delete(writable_key(_key(params)))
            case "flush":
                await self._runtime.flush()
            case "erase":
                await self._runtime.erase()
            case "pause":
                self._runtime.pause()
            case "resume":
                self._runtime.resume()
            case "stop":
                await self._runtime.stop()
            case _:
                raise _invalid("method", f"one of {', '.join(_METHODS)}", method)


def _started(answer: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run ``answer`` up to its first wait now, which saves a turn; somebody waits for the rest."""
    loop, context = asyncio.get_running_loop(), context_of(is_urgent=True)
    # Python 3.12 brought this argument; Pyodide is newer, the rest of the core need not be.
    return asyncio.Task(answer, loop=loop, context=context, eager_start=True)  # type: ignore[call-arg]


def _key(params: Any) -> str:
    key = params.get("key") if isinstance(params, Mapping) else None
    if not isinstance(key, str):
        raise _invalid("key", "text", key)
    return key


def _config(params: Any) -> JsonValue:
    if not isinstance(params, Mapping) or "config" not in params:
        raise _invalid("reconfigure", "an object with config", params)
    return params["config"]


def _refused(error: EdgeError) -> tuple[str, list[Any]]:
    try:
        return split({"error": error.to_dict()})
    except (TypeError, ValueError, RecursionError):
        return split({"error": {**error.to_dict(), "details": {"text": show(error.details)}}})


def _defect(method: str, error: Exception) -> HostError:
    trace = "".join(traceback.format_exception(error))
    message = f"{method}: expected an answer, got {error!r}. This is a defect of the runtime."
    return HostError("worker-lost", message, {"traceback": trace})


def _invalid(subject: str, expected: str, value: object) -> ConfigError:
    message = f"{subject}: expected {expected}, got {show(value)}. Correct the call."
    return ConfigError("argument-invalid", message, {"field": subject})
