import { Mock } from './mock.js';

/** mockServer answers the API during `npm run dev`. */
export function mockServer() {
  return {
    name: 'tsunagi-mock',
    apply: 'serve',
    configureServer(server) {
      if (process.env.VITEST) return;
      const mock = new Mock();
      server.middlewares.use(async (req, res, next) => {
        if (!(await mock.handle(req, res))) next();
      });
      server.httpServer?.on('upgrade', (req, socket, head) => {
        if (req.url.startsWith('/mqtt')) mock.broker.upgrade(req, socket, head);
      });
    },
  };
}
