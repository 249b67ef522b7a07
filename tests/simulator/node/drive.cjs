// Makes the official Node SDK's calls for the tests: a line of JSON in, a line of JSON out, one after another.
// The SDK knows only the service's own address, so what it fetches is sent to the stand-in at argv[2] instead.
"use strict";

const ActivitySmith = require("activitysmith");
const readline = require("node:readline");

const [, , standIn, apiKey] = process.argv;
const fetchFromNetwork = globalThis.fetch;
globalThis.fetch = (url, init) => fetchFromNetwork(standIn + new URL(url).pathname, init);

const client = new ActivitySmith({ apiKey });
const calls = {
  "push-notification-send": (_, body) => client.notifications.send(body),
  "live-activity-stream-put": (key, body) => client.liveActivities.stream(key, body),
  "live-activity-stream-delete": (key, body) => client.liveActivities.endStream(key, body ?? undefined),
  "live-activity-start": (_, body) => client.liveActivities.start(body),
  "live-activity-update": (_, body) => client.liveActivities.update(body),
  "live-activity-end": (_, body) => client.liveActivities.end(body),
  badge: (_, { badge, ...options }) => client.badgeCount(badge, options),
  "metric-value": (key, body) => client.metrics.update(key, body),
};

async function answer({ endpoint, param, body }) {
  try {
    return { answer: await calls[endpoint](param, body) };
  } catch (error) {
    const answered = error.response;
    return { error: String(error), status: answered?.status ?? null, body: answered ? await answered.text() : null };
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
  }
})();
