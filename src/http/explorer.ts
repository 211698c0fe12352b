import { promisify } from "node:util";
import { gzip } from "node:zlib";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

export interface ExplorerOptions {
  readonly name: string;
  readonly version: string;
  readonly openApi: Readonly<Record<string, unknown>>;
  /** A token that the explorer starts with: in the demo, so that the first query just works. */
  readonly demoToken: (() => string) | null;
}

const FIRST_QUERY = `# Fleet → vehicle → component. Press Ctrl-Enter to run, Ctrl-Space to be offered what there is.
{
  fleet {
    summary { totalVehicles activeVehicles criticalAlerts averageHealthScore }
    topIssues { component affectedVehicles averageRulKm }
    coverage { vehiclesKnown vehiclesWithData }
    warnings { source error }
  }
  vehicles(first: 5, orderBy: { field: HEALTH_SCORE }) {
    nodes {
      id make model
      health { score status components { type score rulKm } }
      alerts(first: 3, status: OPEN) { nodes { title severity createdAt } }
    }
  }
}
`;

const WORDMARK = `<svg xmlns="http://www.w3.org/2000/svg" width="150" height="40" viewBox="0 0 150 40"><text x="0" y="27" font-family="system-ui, sans-serif" font-size="24" font-weight="600" fill="#fff">Crowsnest</text></svg>`;

const compress = promisify(gzip);
/** The pages bring their scripts along, inline; nothing is fetched from elsewhere. */
const PAGE_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; frame-ancestors 'none'";

/** Pages for people: a front page, the GraphQL explorer, the REST docs. All served from our own files. */
export async function registerExplorer(server: FastifyInstance, options: ExplorerOptions): Promise<void> {
  const config = { audit: false, operation: "explorer" } as const;
  let page: Promise<Buffer> | undefined;

  server.get("/graphiql", { config }, async (_request, reply) => {
    // Without a token in it the page never changes: nine megabytes are compressed once.
    const headers = options.demoToken
      ? JSON.stringify({ Authorization: `Bearer ${options.demoToken()}` }, null, 2)
      : "";
    // Its ten megabytes of script are in memory from now on.
    const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
    const html = renderGraphiQL({
      title: "Crowsnest explorer",
      endpoint: "/graphql",
      headers,
      // Its documented defaultQuery is not what it reads.
      ...{ query: FIRST_QUERY },
    });
    page = options.demoToken ? compress(html, { level: 1 }) : (page ?? compress(html));
    return reply
      .header("content-type", "text/html; charset=utf-8")
      .header("content-encoding", "gzip")
      .header("content-security-policy", PAGE_POLICY)
      .send(await page);
  });

  server.get("/openapi.json", { config }, async () => options.openApi);

  server.get("/", { config }, async (request, reply) => {
    const links = {
      graphql: "/graphql",
      explorer: "/graphiql",
      docs: "/docs",
      openapi: "/openapi.json",
      health: "/health",
      metrics: "/metrics",
    };
    if (!prefersHtml(request.headers.accept)) return { service: options.name, version: options.version, links };
    return reply.header("content-type", "text/html; charset=utf-8").send(frontPage(options.version));
  });

  await registerDocs(server, options.openApi);
}

/** Pages that show a specification and try it out. */
export async function registerDocs(
  server: FastifyInstance,
  openApi: Readonly<Record<string, unknown>>,
  routePrefix = "/docs",
): Promise<void> {
  await server.register(async (docs) => {
    // The plugin adds its pages as routes of its own; none of them is of interest to an auditor.
    docs.addHook("onRoute", (route) => {
      route.config = { ...route.config, audit: false, operation: "docs" };
    });
    await docs.register(swagger, { mode: "static", specification: { document: openApi as never } });
    await docs.register(swaggerUi, {
      routePrefix,
      staticCSP: false,
      uiConfig: { docExpansion: "list", deepLinking: true, persistAuthorization: true },
      theme: { title: "Crowsnest REST docs" },
      logo: { type: "image/svg+xml", content: Buffer.from(WORDMARK), href: "/", target: "_self" },
    });
  });
}

/** Whether a browser asks, rather than a program: the first media type that we have decides. */
function prefersHtml(accept: string | undefined): boolean {
  const types = (accept ?? "").split(",").map((type) => type.split(";")[0]?.trim());
  const html = types.indexOf("text/html");
  const json = types.indexOf("application/json");
  return html !== -1 && (json === -1 || html < json);
}

function frontPage(version: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Crowsnest</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto; padding: 0 1rem }
  li { margin: .4rem 0 }
  small { opacity: .7 }
</style>
<h1>Crowsnest</h1>
<p>One typed graph over the fleet's services. Version ${version}.</p>
<ul>
  <li><a href="/graphiql">GraphQL explorer</a> <small>drill down from fleet to vehicle to component</small></li>
  <li><a href="/docs">REST docs</a> <small>the same data for BI tools and existing clients</small></li>
  <li><a href="/openapi.json">OpenAPI 3.1</a></li>
  <li><a href="/health">Health</a></li>
  <li><a href="/metrics">Metrics</a></li>
</ul>
</html>
`;
}
