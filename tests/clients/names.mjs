// Leads the names that both SDKs have built in to servers on this machine, and nobody further:
// login.microsoftonline.com, login.botframework.com, and 169.254.169.254, the metadata of a machine in Azure. The SDKs
// have no option for most of them, and neither msal-node nor fetch uses the proxies of the environment without one. So
// in this process the sockets are led. The example bots ask for the same names through a proxy, which their environment
// names.

import { once } from "node:events";
import http from "node:http";
import net from "node:net";

const led = new Map(); // "name:port" and the port on this machine

export function lead(name, port, here) {
  led.set(`${name}:${port}`, here);
}

const isLoopback = (host) => host === undefined || host === "localhost" || host === "::1" || host.startsWith("127.");

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  // net.connect brings its arguments in a list of its own, and tls.connect the options.
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof options !== "object" || options.path) return connect.apply(this, args);
  const port = led.get(`${options.host}:${options.port}`);
  if (port === undefined && !isLoopback(options.host)) {
    this.destroy(new Error(`A test would have called ${options.host}:${options.port}, which nobody has led here`));
    return this;
  }
  const changed = port === undefined ? options : { ...options, host: "127.0.0.1", port };
  if (Array.isArray(args[0])) args[0][0] = changed;
  else args[0] = changed;
  return connect.apply(this, args);
};

/** The proxy of the bots: it leads as above, and passes on nothing else. */
export async function startProxy() {
  const asked = [];
  const proxy = http.createServer((_, response) => response.writeHead(501).end());
  proxy.on("connect", (request, client, head) => {
    asked.push(request.url);
    client.on("error", () => client.destroy());
    const port = led.get(request.url);
    if (port === undefined) return client.end("HTTP/1.1 502 Not led here\r\n\r\n");
    const server = net.connect({ host: "127.0.0.1", port }, () => {
      client.write("HTTP/1.1 200 Connected\r\n\r\n");
      server.write(head);
      server.pipe(client).pipe(server);
    });
    server.on("error", () => client.destroy());
    client.on("close", () => server.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return { url: `http://127.0.0.1:${proxy.address().port}`, asked, stop: () => proxy.close() };
}
