// The server under test: the release binary in a folder of its own, which can be killed and started again
// at the same address over the same data.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const STARTS_WITHIN = 30_000;
const STOPS_WITHIN = 20_000;
const LISTENING = /^Hubbub is listening on http:\/\/127\.0\.0\.1:(\d+)\s*$/;

/** Settings by the names of their variables. */
export type ServerSettings = Record<`HUBBUB_${string}`, string>;

export class Server {
  private child: ChildProcess | undefined;
  private said: string[] = [];
  private port = 0;

  private constructor(
    /** Where its data lies. */
    readonly folder: string,
    private readonly settings: ServerSettings,
  ) {}

  /** Starts a server over an empty log with demo data, on a free port; with these settings besides. */
  static async start(settings: ServerSettings = {}): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), "hubbub-end2end-")), settings);
    await server.launch();
    return server;
  }

  /** Its address, which stays the same over restarts. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What it printed, for a failing test. */
  get output(): string {
    return this.said.join("\n");
  }

  /** Ends it as a power cut would: no goodbye, nothing flushed. */
  async kill9(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Ends it as a deploy would. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Starts it again on the same port over the same data. */
  async restart(): Promise<void> {
    if (this.running) await this.stop();
    await this.launch();
  }

  /** Ends it and removes its data. */
  async dispose(): Promise<void> {
    if (this.running) await this.kill9();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async launch(): Promise<void> {
    const binary = resolve(ROOT, process.env["HUBBUB_BIN"] ?? "target/release/hubbub");
    if (!existsSync(binary)) throw new Error(`${binary} is not there: run \`make build\` first`);
    // Settings of whoever runs the tests must not leak in; the server refuses those it does not know.
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HUBBUB_"));
    const child = spawn(binary, ["serve"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...Object.fromEntries(inherited),
        HUBBUB_ADDR: `127.0.0.1:${this.port}`,
        HUBBUB_DATABASE_URL: `sqlite://${join(this.folder, "hubbub.db")}`,
        HUBBUB_DEMO: "true",
        // All tests come from one address, and the same few people sign in again and again.
        HUBBUB_SIGN_INS_PER_MINUTE: "0",
        HUBBUB_HANDLE_SIGN_INS_PER_MINUTE: "0",
        ...this.settings,
      },
    });
    this.child = child;
    this.port = await this.listening(child);
  }

  /** Waits for the line that says where it listens. */
  private listening(child: ChildProcess): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        child.kill("SIGKILL");
        reject(new Error(`the server ${why}. It said:\n${this.output}`));
      };
      const timer = setTimeout(() => fail(`was not listening after ${STARTS_WITHIN} ms`), STARTS_WITHIN);
      child.once("error", (error) => fail(`could not be started: ${error.message}`));
      child.once("exit", (code, signal) => fail(`ended with ${code ?? signal}`));
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface({ input: stream }).on("line", (line) => {
          this.said.push(line);
          const port = LISTENING.exec(line)?.[1];
          if (port) {
            clearTimeout(timer);
            child.removeAllListeners("exit");
            resolve(Number(port));
          }
        });
      }
    });
  }

  private async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.child;
    if (!child || !this.running) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOPS_WITHIN);
    await ended;
    clearTimeout(timer);
  }
}
