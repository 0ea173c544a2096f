(function () {
    "use strict";
    // deep copies what messages are made of; objects that are referred to twice stay one.
    // With strict, what can't be copied is an error, else it is passed on as it is.
    const deep = (v, strict, seen = new Map()) => {
        if (typeof v === "function" || typeof v === "symbol") {
            if (strict) throw Object.assign(new Error(String(v) + " could not be cloned."), { name: "DataCloneError", code: 25 });
            return v;
        }
        if (v === null || typeof v !== "object") return v;
        if (seen.has(v)) return seen.get(v);
        const keep = (c) => (seen.set(v, c), c);
        if (Array.isArray(v)) {
            const c = keep(new Array(v.length));
            for (let i = 0; i < v.length; i++) if (i in v) c[i] = deep(v[i], strict, seen);
            return c;
        }
        if (v instanceof Date) return keep(new Date(v.getTime()));
        if (v instanceof RegExp) return keep(new RegExp(v.source, v.flags));
        if (v instanceof ArrayBuffer) return keep(v.slice(0));
        if (ArrayBuffer.isView(v)) {
            const raw = v.buffer.slice(v.byteOffset, v.byteOffset + v.byteLength);
            return keep(new (strict && v.constructor.name === "Buffer" ? Uint8Array : v.constructor)(raw));
        }
        if (v instanceof Map) {
            const c = keep(new Map());
            for (const [k, e] of v) c.set(deep(k, strict, seen), deep(e, strict, seen));
            return c;
        }
        if (v instanceof Set) {
            const c = keep(new Set());
            for (const e of v) c.add(deep(e, strict, seen));
            return c;
        }
        if (v instanceof Error) {
            const c = keep(Object.create(Object.getPrototypeOf(v)));
            for (const k of ["message", "stack", "cause"]) {
                if (k in v) Object.defineProperty(c, k, { value: v[k], configurable: true, writable: true });
            }
            return c;
        }
        const tag = Object.prototype.toString.call(v);
        if (tag === "[object Handle]" || v instanceof Promise || v instanceof WeakMap || v instanceof WeakSet) return v;
        const c = keep(strict ? {} : Object.create(Object.getPrototypeOf(v)));
        for (const k of Object.keys(v)) {
            Object.defineProperty(c, k, { value: deep(v[k], strict, seen), configurable: true, enumerable: true, writable: true });
        }
        return c;
    };
    return { structuredClone: (v) => deep(v, true), deep };
})
