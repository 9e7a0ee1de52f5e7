// What programs of other people make of us: a stock validator of OpenAPI, a stock validator of JSON Schema, the
// stock SDK of CloudEvents. No browser is needed here.

import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type AnySchema } from "ajv/dist/2020.js";
import { CloudEvent, HTTP } from "cloudevents";
import { expect, test } from "../fixtures";

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
  requestBody?: { content: Record<string, { schema: object; example: unknown }> };
}

interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

type Envelope = Record<string, unknown>;

/** What the SDK makes of an envelope, which it must find valid and complete. */
function read(envelope: Envelope): CloudEvent<unknown> {
  const headers = { "content-type": "application/cloudevents+json" };
  const event = HTTP.toEvent<unknown>({ headers, body: JSON.stringify(envelope) });
  if (!(event instanceof CloudEvent)) throw new Error("one envelope is one event");
  expect(event.validate()).toBe(true);
  expect(event.toJSON()).toMatchObject({ id: envelope["id"], type: envelope["type"], data: envelope["data"] });
  return event;
}

async function json<T>(url: string, request: RequestInit = {}): Promise<T> {
  const response = await fetch(url, request);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Checks a value against a schema of the document, whose references lead into the document. */
function checker(document: OpenApi): (schema: object, value: unknown, what: string) => void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "hubbub:/openapi", components: document.components });
  return (schema, value, what) => {
    const text = JSON.stringify(schema).replaceAll('"#/components', '"hubbub:/openapi#/components');
    const fits = ajv.compile(JSON.parse(text) as AnySchema);
    expect(fits(value), `${what}: ${JSON.stringify(fits.errors)}`).toBe(true);
  };
}

test("the description of the API is valid OpenAPI, and its examples fit their schemas", async ({ server }) => {
  const document = await json<OpenApi>(`${server.url}/openapi.json`);
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document) as unknown as Record<string, unknown>);
  expect(result.valid, JSON.stringify(result.errors)).toBe(true);
  expect(validator.version).toBe("3.1");
  const check = checker(document);
  let examples = 0;
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const { requestBody } of Object.values(operations)) {
      const body = requestBody?.content["application/json"];
      if (!body) continue;
      check(body.schema, body.example, path);
      examples++;
    }
  }
  expect(examples).toBeGreaterThan(10);
});

test("what is answered is what the description says", async ({ server }) => {
  const document = await json<OpenApi>(`${server.url}/openapi.json`);
  const check = checker(document);
  const ask = async (method: string, path: string, at: string, token?: string, body?: unknown) => {
    const response = await fetch(`${server.url}${at}`, {
      method,
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const described = document.paths[path]?.[method.toLowerCase()]?.responses[String(response.status)];
    expect(described, `${method} ${path} answers ${response.status}`).toBeDefined();
    const kind = response.headers.get("content-type") ?? "";
    const schema = described?.content?.[kind]?.schema;
    if (!schema) return undefined;
    const value: unknown = await response.json();
    check(schema, value, `${method} ${path} ${response.status}`);
    return value as Record<string, unknown>;
  };
  const bad = { handle: "ada", password: "wrong" };
  await ask("POST", "/api/session", "/api/session", undefined, bad);
  const signedIn = await ask("POST", "/api/session", "/api/session", undefined, { handle: "olga", password: "demo" });
  const olga = String(signedIn?.["token"]);
  await ask("GET", "/api/events", "/api/events?limit=1000", olga);
  await ask("GET", "/api/events", "/api/events?match=a..b", olga);
  await ask("GET", "/api/events/{id}", "/api/events/nonsense", olga);
  await ask("GET", "/api/events", "/api/events", "unknown");
  const post = "/api/commands/chat.post_message";
  const receipt = await ask("POST", post, post, olga, { room: "lobby", text: "described" });
  expect(receipt?.["position"]).toBeGreaterThan(0);
  await ask("POST", post, post, olga, { room: "nowhere", text: "x" });
  await ask("POST", post, post, olga, { room: "lobby", text: "" });
  await ask("POST", post, post, undefined, { room: "lobby", text: "x" });
  const made = await ask("POST", "/api/tokens", "/api/tokens", olga, { name: "spec", scopes: ["read"] });
  await ask("GET", "/api/sessions", "/api/sessions", olga);
  await ask("GET", "/api/sessions", "/api/sessions", String(made?.["token"]));
  await ask("POST", post, post, String(made?.["token"]), { room: "lobby", text: "x" });
  await ask("DELETE", "/api/sessions/{id}", `/api/sessions/${String(made?.["id"])}`, olga);
  await ask("GET", "/schemas", "/schemas");
  await ask("GET", "/schemas/{type}", "/schemas/chat.sung");
  await ask("GET", "/readyz", "/readyz");
});

test("the stock SDK reads every envelope, and its data fits the schema that it names", async ({ server, api }) => {
  const olga = await api("olga");
  const envelopes = (await olga.log(">")) as unknown as Envelope[];
  expect(envelopes.length).toBeGreaterThan(10);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const envelope of envelopes) {
    const { dataschema = "", data } = read(envelope);
    // Its path is an address of this server.
    const address = new URL(dataschema).pathname;
    const schema = ajv.getSchema(address) ?? ajv.addSchema(await json<object>(`${server.url}${address}`), address).getSchema(address);
    expect(schema?.(data), `${address}: ${JSON.stringify(schema?.errors)}`).toBe(true);
  }
});

test("a stock WebSocket is sent bare envelopes, which the stock SDK reads", async ({ page, api, server }) => {
  const olga = await api("olga");
  const room = await olga.openRoom();
  for (let nth = 0; nth < 20; nth++) await olga.say(room, `before ${nth}`);
  await page.goto(server.url);
  const collected = await page.evaluateHandle((url) => {
    const texts: string[] = [];
    const socket = new WebSocket(url, "cloudevents.json");
    socket.onmessage = ({ data }) => texts.push(data as string);
    return texts;
  }, `${server.url.replace("http", "ws")}/live/ws?since=0`);
  await olga.say(room, "meanwhile");
  // The page is nobody: it sees what everybody does.
  const seen = (await olga.log(">")).filter((event) => (event as unknown as Envelope)["audience"] === "everyone");
  await expect.poll(() => collected.evaluate((texts) => texts.length)).toBe(seen.length);
  const envelopes = (await collected.jsonValue()).map((text) => JSON.parse(text) as Envelope);
  expect(envelopes.map((envelope) => read(envelope).id)).toEqual(seen.map(({ id }) => id));
});
