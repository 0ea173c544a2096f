(function (host, info, manual) {
    "use strict";
    const { log, status, send, done, failed, timer, untimer, read, write, list, kept, env, id, text } = host;
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
        linkcall: async () => { throw new Error("node.linkcall is not supported yet: use a link call node"); },
    };
    const closers = [];

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
        const bad = (why) => fault("INVALID_EXPR", "Invalid property expression: " + why);
        if (typeof expression !== "string" || expression === "") throw bad("zero-length");
        const out = [], token = /\.?([^.[\]'"\s]+)|\[(\d+)\]|\[(['"])((?:\\.|(?!\3).)*)\3\]|\[(msg(?:\.[^.[\]'"\s]+|\[[^\]]*\])+)\]/gy;
        let m;
        while (token.lastIndex < expression.length && (m = token.exec(expression))) {
            if (m[1] !== undefined) {
                if (out.length > 0 !== m[0].startsWith(".")) throw bad("unexpected " + m[0] + " in " + expression);
                out.push(m[1]);
            } else if (m[2] !== undefined) out.push(Number(m[2]));
            else if (m[3] !== undefined) out.push(m[4].replace(/\\(.)/g, "$1"));
            else out.push(property(msg, m[5].slice(3).replace(/^\./, "")));
            if (token.lastIndex === expression.length) return out;
        }
        throw bad("unexpected end or character in " + expression);
    };
    const property = (o, expression) => steps(expression, o).reduce((v, k) => v[k], o);
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
    const util = {
        cloneMessage: (msg) => copy(msg),
        generateId: id,
        getMessageProperty: (msg, e) => property(msg, bare(e)),
        setMessageProperty: (msg, e, v, create) => setProperty(msg, bare(e), v, create),
        getObjectProperty: property,
        setObjectProperty: setProperty,
        normalisePropertyExpression: (e, msg) => steps(e, msg),
        compareObjects: (a, b) => globalThis.util.isDeepStrictEqual(a, b),
        ensureString: (v) => Buffer.isBuffer(v) ? v.toString() : isObject(v) ? JSON.stringify(v) : typeof v === "string" ? v : v + "",
        ensureBuffer: (v) => Buffer.isBuffer(v) ? v : Buffer.from(isObject(v) ? JSON.stringify(v) : typeof v === "string" ? v : v + ""),
        encodeObject: (o) => {
            o.format = isArray(o.msg) ? `array[${o.msg.length}]` : isObject(o.msg) ? "Object" : o.msg === undefined ? "undefined" : typeof o.msg === "string" ? `string[${o.msg.length}]` : typeof o.msg;
            o.msg = isObject(o.msg) ? JSON.stringify(o.msg) : String(o.msg);
            return o;
        },
        getSetting: () => undefined,
    };
    const print = (...a) => text(globalThis.util.format(...a));
    const context = store("node"), flow = store("flow"), global = store("global");
    const globals = {
        context: Object.assign(context, { flow, global }), flow, global,
        env: { get: (name) => env(String(name)) },
        RED: { util },
        console: { log: print, info: print, warn: print, error: print, debug: print, trace: print, dir: print },
        setTimeout, setInterval: add(true), clearTimeout: remove, clearInterval: remove,
    };
    for (const name of Object.keys(globals)) {
        defineProperty(globalThis, name, { value: globals[name], configurable: true, writable: true, enumerable: true });
    }
    return {
        node, finish, fire,
        starting: () => ({ ...shared, send: (msgs, clone) => sendResults(id(), msgs, clone) }),
        stopping: () => ({ ...shared, send: () => shared.error("Cannot send from close function") }),
        started: (promise) => {
            promise.then(() => host.started(), (e) => e instanceof Error ? host.started(true, details(e)) : host.started(false, e));
        },
        close: (removed) => { for (const f of closers.splice(0)) f(removed, () => {}); },
    };
})
