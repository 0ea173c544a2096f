(function (load, support, parse) {
    "use strict";
    const { defineProperty } = Object;
    const ErrorTypes = { Error, TypeError, RangeError, SyntaxError, ReferenceError };
    const D = Date.prototype, call = Function.prototype.call;
    const methods = [
        [Number.prototype, "valueOf"], [String.prototype, "valueOf"], [Boolean.prototype, "valueOf"],
    ].map(([p, name]) => call.bind(p[name]));

    const parts = Object.create(null);
    const part = (name) => parts[name] ??= load(name)(support, part);

    // Globals that are made when somebody first asks for them.
    const lazily = (file, ...names) => {
        for (const name of names) {
            defineProperty(globalThis, name, {
                configurable: true,
                enumerable: false,
                get() {
                    const v = part(file)[name];
                    defineProperty(globalThis, name, { value: v, configurable: true, enumerable: false, writable: true });
                    return v;
                },
                set(v) {
                    defineProperty(globalThis, name, { value: v, configurable: true, enumerable: true, writable: true });
                },
            });
        }
    };
    lazily("buffer", "Buffer");
    lazily("url", "URL", "URLSearchParams");
    lazily("text", "TextEncoder", "TextDecoder", "atob", "btoa");
    lazily("clone", "structuredClone");
    lazily("util", "util", "promisify");

    const own = JSON.parse;
    defineProperty(JSON, "parse", { value: parse, configurable: true, enumerable: false, writable: true });

    const settled = Promise.resolve(), then = call.bind(Promise.prototype.then);
    const later = (f) => {
        if (typeof f !== "function") throw new TypeError('The "callback" argument must be of type function');
        then(settled, () => f());
    };
    defineProperty(globalThis, "queueMicrotask", { value: later, configurable: true, writable: true });

    return {
        buffer: (raw) => part("buffer").wrap(raw),
        fault: (name, message) => new (ErrorTypes[name] || Error)(message),
        getTime: D.getTime,
        unwrap: (o) => {
            for (const m of methods) {
                try { return m(o); } catch { /* not of this kind */ }
            }
        },
        part,
        parse: own,
    };
})
