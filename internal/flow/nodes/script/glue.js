(function (host, info, manual) {
    "use strict";
    const { log, status, send, done, failed, timer, untimer, read, write, list, kept, linkcall, jsonata, encode, path, env, id, text } = host;
    const { isArray } = Array, { defineProperty, hasOwn } = Object;
    const fault = (code, message) => Object.assign(new Error(message), { code });
    const copy = (v) => copy.deep ? copy.deep(v) : (copy.deep = host.part("clone").deep)(v);
    const isObject = (v) => typeof v === "object" && v !== null;

    // report tells the runtime of an error or a text, with the message it is about.
    const report = (level, what, msg) => {
        if (what instanceof Error) log(level, true, details(what), isObject(msg) ? msg : undefined);
        else log(level, false, what, isObject(msg) ? msg : undefined);
    };
    const details = (e) => [String(e.name), String(e.message), String(e.stack ?? ""), e.code === undefined ? "" : String(e.code), plain(e.cause)];
    const plain = (v) => v instanceof Error ? String(v) : v;

    // sendResults sends what a function returned or gave to node.send: outputs, each with one
    // message, many or none.
    const sendResults = (msgid, msgs, clone) => {
        if (msgs === null || msgs === undefined) return;
        if (!isArray(msgs)) msgs = [msgs];
        let count = 0;
        const outputs = msgs.map((some) => {
            if (!some) return [];
            const good = [];
            for (const msg of isArray(some) ? some : [some]) {
                if (msg === null || msg === undefined) continue;
                const buffer = ArrayBuffer.isView(msg);
                if (typeof msg !== "object" || buffer || isArray(msg)) {
                    const type = buffer ? "Buffer" : isArray(msg) ? "Array" : typeof msg;
                    log("error", false, "Function tried to send a message of type " + type);
                    continue;
                }
                if (count === 0 && clone !== false) good.push({ ...msg, _msgid: msgid });
                else {
                    msg._msgid = msgid;
                    good.push(msg);
                }
                count++;
            }
            return good;
        });
        if (count > 0) send(outputs);
    };

    const shared = {
        id: info.id, name: info.name, path: info.path, outputCount: info.outputs,
        log: (what) => report("log", what),
        error: (what, msg) => report("error", what ?? "", msg),
        warn: (what) => report("warn", what),
        debug: (what) => report("debug", what),
        trace: (what) => report("trace", what),
        on: (event, f) => {
            if (event === "input") throw new Error("Cannot add listener to 'input' event within Function");
            if (event === "close" && typeof f === "function") closers.push(f);
        },
        status: (s) => status(isObject(s) ? s : s === undefined || s === null ? {} : { text: String(s) }),
        linkcall: async (target, msg, options) => {
            if (typeof target !== "string" || target.trim() === "") throw new Error("Error link call target parameter is not valid, expected a string");
            if (!isObject(msg)) throw new Error("Error link call msg parameter is not valid, expected an object");
            return new Promise((ok, bad) => {
                const n = ++last;
                linkcall(n, target, msg, options?.timeout || 5000);
                calls.set(n, { ok, bad });
            });
        },
    };
    const closers = [], calls = new Map();
    const returned = (n, msg) => {
        const call = calls.get(n);
        calls.delete(n);
        if (msg === undefined) call?.bad(new Error("timeout"));
        else call?.ok(msg);
    };

    // node makes what a body sees as node. It belongs to one message.
    const node = (msg) => {
        const msgid = msg._msgid;
        return {
            ...shared,
            send: (msgs, clone) => sendResults(msgid, msgs, clone),
            done: (e) => e === undefined || e === null ? done(msg) : settle(msg, e),
        };
    };
    const settle = (msg, e) => {
        if (isObject(e) && hasOwn(e, "stack")) failed(msg, true, details(e));
        else failed(msg, false, typeof e === "string" ? e : JSON.stringify(e));
    };

    // finish takes the results of a body that are no single message, and promises of them.
    const finish = (msg, results) => {
        if (isObject(results) && typeof results.then === "function") {
            results.then((r) => {
                sendResults(msg._msgid, r, false);
                if (!manual) done(msg);
            }).catch((e) => settle(msg, e));
            return;
        }
        sendResults(msg._msgid, results, false);
        if (!manual) done(msg);
    };

    // Timers. Their numbers can be kept in context, where Node.js's objects can't be saved.
    const timers = new Map();
    let last = 0;
    const add = (repeat) => (f, ms, ...args) => {
        if (typeof f !== "function") throw Object.assign(new TypeError('The "callback" argument must be of type function. Received ' + typeof f), { code: "ERR_INVALID_ARG_TYPE" });
        ms = Number(ms);
        const n = ++last;
        timer(n, ms >= 1 && ms <= 2147483647 ? ms : 1, repeat);
        timers.set(n, { f, args, repeat });
        return n;
    };
    const remove = (n) => {
        if (timers.delete(Number(n))) untimer(Number(n));
    };
    const fire = (n) => {
        const t = timers.get(n);
        if (!t) return;
        if (!t.repeat) timers.delete(n);
        t.f(...t.args);
    };
    const setTimeout = add(false);
    defineProperty(setTimeout, Symbol.for("nodejs.util.promisify.custom"), { value: (ms, v) => new Promise((ok) => setTimeout(ok, ms, v)) });

    // What a store holds is reached at once, and callbacks are called at once, as Node-RED does
    // with what it has in memory. A store without a cache takes callbacks only, and calls them
    // later: that of set when the value is on the disk.
    const storeOf = (key, name) => {
        const m = typeof key === "string" && /^#:\((\S+?)\)::/.exec(key);
        return name || (m ? m[1] : "");
    };
    const async = info.callbacks.length === 0 ? () => false
        : (name) => info.callbacks.includes(info.stores.includes(name) ? name : info.stores[0]);
    const asyncOnly = () => new Error("File Store cache disabled - only asynchronous access supported");
    const checkKey = (key) => {
        const keys = isArray(key) ? key : [key];
        if (keys.length === 0 || keys.some((k) => typeof k !== "string" || k === "")) throw new Error("Invalid context key");
    };
    const later = (name, f) => {
        const n = ++last;
        timers.set(n, { f, args: [] });
        kept(name, n);
    };
    const access = (scope, name, key, callback, run) => {
        if (callback !== undefined && callback !== null && typeof callback !== "function") throw new Error("Callback must be a function");
        let results, failure;
        try {
            if (key !== undefined) checkKey(key);
            results = run();
        } catch (e) {
            if (!callback) throw e;
            failure = e;
        }
        if (!callback) return results;
        const call = () => failure ? callback(failure) : callback(undefined, ...results);
        if (async(storeOf(key, name))) later(storeOf(key, name), call);
        else call();
    };
    const store = (scope) => ({
        get(key, name, callback) {
            if (!callback && typeof name === "function") [name, callback] = [undefined, name];
            if (!callback && async(storeOf(key, name))) throw asyncOnly();
            const v = access(scope, name, key ?? null, callback, () => isArray(key) ? key.map((k) => read(scope, k, name)) : [read(scope, key, name)]);
            if (!callback) return isArray(key) ? v : v[0];
        },
        set(key, v, name, callback) {
            if (!callback && typeof name === "function") [name, callback] = [undefined, name];
            access(scope, name, key ?? null, callback, () => {
                if (isArray(key)) key.forEach((k, i) => write(scope, k, isArray(v) ? (i < v.length ? v[i] : null) : i === 0 ? v : null, name));
                else write(scope, key, v, name);
                return [];
            });
        },
        keys(name, callback) {
            if (typeof name === "function") [name, callback] = [undefined, name];
            if (!callback && async(name)) throw new Error("Callback must be a function");
            const v = access(scope, name, undefined, callback, () => [list(scope, name)]);
            if (!callback) return v[0];
        },
    });

    // Property expressions: a.b[0]["c"][msg.d].
    const steps = (expression, msg) => {
        if (typeof expression !== "string") expression = "";
        const [code, what] = path(expression, msg !== undefined && expression.includes("[msg") ? msg : undefined);
        if (code !== "") throw fault(code, what);
        return what;
    };
    const property = (o, expression) => steps(expression, o).reduce((v, k) => {
        if (v === undefined || v === null) throw new TypeError(`Cannot read properties of ${v} (reading '${k}')`);
        return v[k];
    }, o);
    const setProperty = (o, expression, v, create) => {
        const path = steps(expression, o), key = path.pop();
        create ??= v !== undefined;
        for (const [i, k] of path.entries()) {
            if (!hasOwn(o, k)) {
                if (!create) return false;
                o[k] = typeof (path[i + 1] ?? key) === "number" ? [] : {};
            } else if (!isObject(o[k])) return false;
            o = o[k];
        }
        if (v === undefined) isArray(o) ? o.splice(key, 1) : delete o[key];
        else o[key] = v;
        return true;
    };
    const bare = (expression) => typeof expression === "string" && expression.startsWith("msg.") ? expression.slice(4) : expression;
    const parseContextStore = (key) => {
        const m = /^#:\((\S+?)\)::(.*)$/.exec(key);
        return m ? { store: m[1], key: m[2] } : { store: undefined, key };
    };
    const answer = (callback, f) => {
        if (typeof callback !== "function") return f();
        let v;
        try { v = f(); } catch (e) { callback(e); return; }
        callback(null, v);
    };
    // evaluate is the value of a typed input of a dialog.
    const evaluate = (v, type, msg) => {
        switch (type) {
        case "str": return "" + v;
        case "num": return Number(v);
        case "json": return JSON.parse(v);
        case "re": return new RegExp(v);
        case "date": return v === "object" ? new Date() : v === "iso" ? new Date().toISOString() : Date.now();
        case "bin": {
            const data = JSON.parse(v);
            if (!isArray(data) && typeof data !== "string") throw fault("INVALID_BUFFER_DATA", "Not string or array");
            return Buffer.from(data);
        }
        case "msg": return msg ? property(msg, bare(v)) : v;
        case "flow": case "global": {
            const at = parseContextStore(v);
            return store(type).get(at.key, at.store);
        }
        case "bool": return /^true$/i.test(v);
        case "jsonata": return jsonata(v, msg);
        case "env": return /^\$\{[^}]*\}$|^[^$]*$/.test(v) ? env(v.replace(/^\$\{|\}$/g, "")) : v.replace(/\$\{([^}]*)\}/g, (_, name) => env(name) ?? "");
        }
        return v;
    };
    const same = (a, b) => {
        if (a === b) return true;
        if (!isObject(a) || !isObject(b)) return false;
        if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return a.equals(b);
        if (isArray(a) !== isArray(b)) return false;
        const keys = Object.keys(a);
        return keys.length === Object.keys(b).length && keys.every((k) => hasOwn(b, k) && same(a[k], b[k]));
    };
    const util = {
        cloneMessage: (msg) => copy(msg),
        generateId: id,
        getMessageProperty: (msg, e) => property(msg, bare(e)),
        setMessageProperty: (msg, e, v, create) => setProperty(msg, bare(e), v, create),
        getObjectProperty: property,
        setObjectProperty: setProperty,
        normalisePropertyExpression: (e, msg) => steps(e, msg),
        compareObjects: same,
        ensureString: (v) => Buffer.isBuffer(v) ? v.toString() : isObject(v) ? JSON.stringify(v) : typeof v === "string" ? v : v + "",
        ensureBuffer: (v) => Buffer.isBuffer(v) ? v : Buffer.from(isObject(v) ? JSON.stringify(v) : typeof v === "string" ? v : v + ""),
        encodeObject: (o) => {
            if (o.msg instanceof Error) [o.format, o.msg] = ["error", JSON.stringify({ name: o.msg.name, message: o.msg.message, cause: plain(o.msg.cause) })];
            else [o.format, o.msg] = encode(o.msg);
            return o;
        },
        parseContextStore,
        normaliseNodeTypeName: (name) => {
            const words = String(name).split(/[^a-zA-Z0-9]+/).filter((w) => w !== "");
            return words.map((w, i) => (i === 0 ? w[0].toLowerCase() : w[0].toUpperCase()) + w.slice(1)).join("");
        },
        prepareJSONataExpression: (text) => ({ text, assign() {}, registerFunction() {} }),
        evaluateJSONataExpression: (e, msg, callback) => answer(callback, () => jsonata(e.text, msg)),
        evaluateNodeProperty: (v, type, _, msg, callback) => answer(callback, () => evaluate(v, type, msg)),
        getSetting: () => undefined,
    };
    const print = (...a) => text(globalThis.util.format(...a));
    const context = store("node"), flow = store("flow"), global = store("global");
    const globals = {
        context: Object.assign(context, { flow, global }), flow, global,
        env: { get: (name) => env(String(name)) },
        RED: { util },
        console: { log: print, info: print, warn: print, error: print, debug: print, trace: print, dir: print },
        promisify: globalThis.util.promisify,
        setTimeout, setInterval: add(true), clearTimeout: remove, clearInterval: remove,
    };
    for (const name of Object.keys(globals)) {
        defineProperty(globalThis, name, { value: globals[name], configurable: true, writable: true, enumerable: true });
    }
    return {
        node, finish, fire, returned,
        starting: () => ({ ...shared, send: (msgs, clone) => sendResults(id(), msgs, clone) }),
        stopping: () => ({ ...shared, send: () => shared.error("Cannot send from close function") }),
        started: (promise) => {
            promise.then(() => host.started(), (e) => e instanceof Error ? host.started(true, details(e)) : host.started(false, e));
        },
        close: (removed) => { for (const f of closers.splice(0)) f(removed, () => {}); },
    };
})
