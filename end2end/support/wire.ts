// A wire that can be cut: a TCP proxy in front of the server. (A browser's own offline switch leaves open
// WebSockets alone, so it proves nothing.) It can also treat WebSockets as some networks do, and it counts the
// connections that carry the live protocol.

import { once } from "node:events";
import { type AddressInfo, createServer, connect, type Server as Listener, type Socket } from "node:net";

/** What becomes of a WebSocket: it passes, gets an error, or never an answer. */
export type Treatment = "pass" | "refuse" | "swallow";

const LIVE = /^GET \/live\/(ws|sse)[ ?]/;
const REQUEST = /^[A-Z]+ \/\S* HTTP\/1\.1\r\n/;
const REFUSAL = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

export class Wire {
  private readonly pairs = new Set<Socket>();
  private readonly live = new Map<Socket, string>();
  private whole = true;

  /** What becomes of WebSockets from now on; those that are open stay. */
  webSockets: Treatment = "pass";

  private constructor(
    private readonly listener: Listener,
    /** What a page opens instead of the server's own address. */
    readonly url: string,
  ) {}

  /** Lays a wire to a server. */
  static async to(target: string): Promise<Wire> {
    const { hostname, port } = new URL(target);
    const listener = createServer({ allowHalfOpen: true });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const wire = new Wire(listener, `http://127.0.0.1:${(listener.address() as AddressInfo).port}`);
    listener.on("connection", (near) => {
      if (!wire.whole) return void near.resetAndDestroy();
      const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
      for (const [one, other] of [[near, far], [far, near]] as const) {
        wire.pairs.add(one);
        one.setNoDelay(true);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          wire.pairs.delete(one);
          wire.live.delete(one);
          other.destroy();
        });
      }
      far.pipe(near);
      near.on("data", (bytes: Buffer) => wire.forward(bytes, near, far));
      near.on("end", () => far.end());
    });
    return wire;
  }

  /** The open connections that carry the live protocol: `ws` or `sse` each. */
  get lines(): string[] {
    return [...this.live.values()];
  }

  /** Breaks every connection and refuses new ones. */
  cut(): void {
    this.whole = false;
    this.breakAll();
  }

  /** Breaks every connection, once. */
  breakAll(): void {
    for (const socket of this.pairs) socket.resetAndDestroy();
  }

  /** Lets new connections through again. */
  mend(): void {
    this.whole = true;
  }

  async dispose(): Promise<void> {
    this.cut();
    this.listener.close();
    await once(this.listener, "close");
  }

  private forward(bytes: Buffer, near: Socket, far: Socket): void {
    const head = bytes.toString("latin1", 0, 2048);
    const kind = LIVE.exec(head)?.[1];
    if (kind === "ws" && this.webSockets === "swallow") return;
    if (kind === "ws" && this.webSockets === "refuse") {
      near.end(REFUSAL);
      return;
    }
    if (kind) this.live.set(near, kind);
    else if (REQUEST.test(head)) this.live.delete(near);
    far.write(bytes);
  }
}
