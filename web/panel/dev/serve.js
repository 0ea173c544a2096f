// Serves dist/ with the mock API and the Content-Security-Policy that `tsunagi serve` sends.
import { createServer } from 'node:http';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Mock } from './mock.js';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };
const policy = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "style-src-attr 'unsafe-inline'", "img-src 'self' data: blob:",
  "font-src 'self'", "worker-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "connect-src 'self' ws:",
].join('; ');

/** serve starts the server on a free port of loopback; it resolves with {url, mock, close}. */
export function serve(options = {}, port = 0) {
  const mock = new Mock(options);
  const server = createServer(async (req, res) => {
    if (await mock.handle(req, res)) return;
    const path = normalize(new URL(req.url, 'http://x').pathname);
    const file = join(dist, path);
    const at = [file, file + '.gz'].find((name) => name.startsWith(dist) && existsSync(name) && statSync(name).isFile());
    if (!at && extname(path)) return res.writeHead(404).end();
    const send = at ?? join(dist, 'index.html');
    const packed = send.endsWith('.gz');
    res.writeHead(200, {
      'Content-Type': types[extname(send.replace(/\.gz$/, ''))] ?? 'application/octet-stream',
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      ...(packed && { 'Content-Encoding': 'gzip' }),
    });
    res.end(readFileSync(send));
  });
  server.on('upgrade', (req, socket, head) => mock.broker.upgrade(req, socket, head));
  return new Promise((resolve) =>
    server.listen(port, '127.0.0.1', () =>
      resolve({
        url: `http://127.0.0.1:${server.address().port}`,
        mock,
        close: () => {
          server.closeAllConnections();
          server.close();
        },
      }),
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve({}, Number(process.env.PORT ?? 5174));
  console.log(url);
}
