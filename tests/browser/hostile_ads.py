"""Scripts of ads that change what other scripts of their page stand on, and what comes of it."""

from dataclasses import dataclass
from typing import Final

from .site import ASSETS

WORKS: Final = "works"
# All calls work; clicks do not reach it, as they do not reach the page's own window.
DEAF: Final = "works, without clicks"


@dataclass(frozen=True)
class Ad:
    """A script of an ad.

    Attributes:
        script: What it does.
        before: What happens where it runs first: ``WORKS``, ``DEAF``, or a part of the reason that
            calls are refused with.
        after: What happens where it runs behind the runtime's script; None: that is not tried.
    """

    script: str
    before: str
    after: str | None = None


ADS: Final = {
    "array methods": Ad(
        """
            for (const name of ["map", "forEach", "filter", "push", "flat", "slice"]) {
              const own = Array.prototype[name];
              Array.prototype[name] = function () { return own.apply(this, arguments); };
            }
            Array.prototype.last = function () { return this[this.length - 1]; };
            Array.prototype.remove = function () {};
        """,
        WORKS,
        WORKS,
    ),
    "array methods that throw": Ad(
        """
            for (const name of ["map", "forEach", "filter", "push", "flat", "find"])
              Array.prototype[name] = function () { throw new Error("ad: no " + name); };
        """,
        "no filter",
    ),
    "enumerable keys of objects": Ad(
        """
            Object.prototype.each = function () {};
            Object.prototype.junk = { deep: [1] };
            Object.prototype.type = "ad";
        """,
        WORKS,
        WORKS,
    ),
    "toJSON of old Prototype.js": Ad(
        """
            Array.prototype.toJSON = function () { return "[" + this.join(", ") + "]"; };
            String.prototype.toJSON = function () { return '"' + this + '"'; };
            Object.toJSON = JSON.stringify;
        """,
        "JSON",
        DEAF,
    ),
    "bind, call and apply": Ad(
        """
            for (const name of ["bind", "call", "apply"])
              Function.prototype[name] = function () { throw new Error("ad: no " + name); };
        """,
        WORKS,
    ),
    "JSON that throws": Ad(
        """
            JSON.parse = () => { throw new Error("ad: no parse"); };
            JSON.stringify = () => { throw new Error("ad: no stringify"); };
        """,
        "no parse",
        WORKS,
    ),
    "JSON that wraps": Ad(
        """
            const { parse, stringify } = JSON;
            JSON.parse = (text) => ({ data: parse(text) });
            JSON.stringify = (value) => stringify({ ad: 1, value });
        """,
        "JSON",
        WORKS,
    ),
    "a polyfill of Promise": Ad(
        (ASSETS / "promise-polyfill.js").read_text(),
        WORKS,
        WORKS,
    ),
    "a Promise that never settles": Ad(
        """
            window.Promise = class { then() { return this; } catch() { return this; }
              static resolve() { return new this(); } static reject() { return new this(); } };
        """,
        WORKS,
        WORKS,
    ),
    "a then that wraps": Ad(
        """
            const { then } = Promise.prototype;
            const wrap = (handler) => handler && ((value) => handler(value));
            Promise.prototype.then = function (...on) { return then.apply(this, on.map(wrap)); };
        """,
        WORKS,
        WORKS,
    ),
    "a then that throws": Ad(
        'Promise.prototype.then = function () { throw new Error("ad: no then"); };',
        "no then",
    ),
    "a clock that throws": Ad(
        'performance.now = () => { throw new Error("ad: no clock"); };',
        "no clock",
    ),
    "regular expressions that throw": Ad(
        'RegExp.prototype.test = () => { throw new Error("ad: no test"); };',
        "no test",
    ),
    "attributes that throw": Ad(
        """
            const dataset = { get() { throw new Error("ad: no data"); } };
            Object.defineProperties(HTMLElement.prototype, { dataset, getAttribute: dataset });
        """,
        "no data",
    ),
    "listeners swallowed": Ad(
        "EventTarget.prototype.addEventListener = function () {};",
        DEAF,
    ),
    "listeners that throw": Ad(
        """
            const refuse = () => { throw new Error("ad: no listeners"); };
            EventTarget.prototype.addEventListener = refuse;
        """,
        "no listeners",
    ),
    "clicks stopped": Ad(
        'window.addEventListener("click", (event) => event.stopImmediatePropagation(), true);',
        DEAF,
        WORKS,
    ),
    "clicks whose path throws": Ad(
        'Event.prototype.composedPath = () => { throw new Error("ad: no path"); };',
        DEAF,
        DEAF,
    ),
    "idle callbacks that throw": Ad(
        'window.requestIdleCallback = () => { throw new Error("ad: no idle callback"); };',
        "no idle callback",
    ),
    "timers that never come": Ad(
        """
            window.setTimeout = () => 1;
            window.setInterval = () => 1;
        """,
        WORKS,
        WORKS,
    ),
    "timers that throw": Ad(
        'window.setTimeout = () => { throw new Error("ad: no timer"); };',
        "no timer",
        WORKS,
    ),
    "no MessageChannel": Ad(
        'window.MessageChannel = function () { throw new Error("ad: no channel"); };',
        "no channel",
    ),
    "messages of ports that throw": Ad(
        """
            MessagePort.prototype.postMessage = function () { throw new Error("ad: no messages"); };
        """,
        "no messages",
    ),
    "messages of workers swallowed": Ad(
        "Worker.prototype.postMessage = function () {};",
        "scripts that hold messages",
    ),
    "no Worker": Ad(
        'window.Worker = function () { throw new Error("ad: no worker"); };',
        "no worker",
    ),
    "URL that throws": Ad(
        'window.URL = function () { throw new Error("ad: no address"); };',
        "no address",
    ),
    "no random numbers": Ad(
        'crypto.getRandomValues = () => { throw new Error("ad: no random"); };',
        "no random",
    ),
    "history wrapped": Ad(
        """
            for (const name of ["pushState", "replaceState"]) {
              const own = history[name].bind(history);
              history[name] = (...args) => own(...args);
            }
        """,
        WORKS,
        WORKS,
    ),
    "console replaced": Ad(
        'window.console = new Proxy({}, { get() { throw new Error("ad: no console"); } });',
        WORKS,
    ),
    "a fixed name": Ad(
        'Object.defineProperty(window, "EdgeAI", { value: window.EdgeAI, writable: false });',
        "read only",
    ),
    "another EdgeAI": Ad(
        'window.EdgeAI = Object.freeze({ name: "an ad", play() {} });',
        WORKS,
    ),
    "a lexical EdgeAI": Ad(
        "let EdgeAI = { q: [] };",
        WORKS,
    ),
    "currentScript": Ad(
        """
            const get = () => { throw new Error("ad: none"); };
            Object.defineProperty(document, "currentScript", { get });
        """,
        "none",
    ),
    "fields named as methods": Ad(
        """
            document.addEventListener("DOMContentLoaded", () => {
              const form = document.createElement("form");
              for (const name of ["getAttribute", "closest", "localName", "parentNode"]) {
                const field = document.createElement("input");
                field.name = name;
                form.append(field);
              }
              document.body.append(form);
              form.append(document.getElementById("buy"));
              document.getElementById("buy").type = "button";
            });
        """,
        WORKS,
    ),
    "script tags moved": Ad(
        """
            document.addEventListener("DOMContentLoaded", () => {
              for (const script of document.querySelectorAll("script[src]")) {
                const again = document.createElement("script");
                for (const { name, value } of script.attributes) again.setAttribute(name, value);
                script.replaceWith(again);
              }
            });
        """,
        WORKS,
        WORKS,
    ),
}
