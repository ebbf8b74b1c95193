// A TCP proxy on loopback in front of a server, which cuts the WebSockets that go through it when it is told to.

import { once } from "node:events";
import net from "node:net";

export class CuttingProxy {
  static async start(target) {
    const proxy = new CuttingProxy();
    proxy.sockets = new Set();
    proxy.cuts = 0;
    const { port } = new URL(target);
    proxy.server = net.createServer((client) => proxy.#join(client, net.connect({ host: "127.0.0.1", port })));
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  #join(client, server) {
    const end = () => {
      client.destroy();
      server.destroy();
      this.sockets.delete(end);
    };
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
    client.once("data", (head) => {
      if (/\r\nupgrade: websocket/i.test(head.toString("latin1"))) this.sockets.add(end);
      server.write(head);
      client.pipe(server);
    });
    server.pipe(client);
  }

  /** Cuts every WebSocket at once, without a word of farewell. Returns how many there were. */
  cut() {
    const ends = [...this.sockets];
    for (const end of ends) end();
    this.cuts += ends.length;
    return ends.length;
  }

  async stop() {
    this.cut();
    this.server.close();
    this.server.closeAllConnections?.();
  }
}
