// A wire that can be cut: a TCP proxy in front of the server. (A browser's own offline switch leaves open
// WebSockets alone, so it proves nothing.)

import { once } from "node:events";
import { type AddressInfo, createServer, connect, type Server as Listener, type Socket } from "node:net";

export class Wire {
  private readonly pairs = new Set<Socket>();
  private whole = true;

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
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          wire.pairs.delete(one);
          other.destroy();
        });
      }
    });
    return wire;
  }

  /** Breaks every connection and refuses new ones. */
  cut(): void {
    this.whole = false;
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
}
