"""A plain script: reads the v2 list of Langfuse page by page and loads the rows into SQLite. Standard library only."""
import base64, json, os, resource, sqlite3, sys, time, urllib.error, urllib.parse, urllib.request
from datetime import datetime, timezone

task = json.loads(sys.argv[1])
key = base64.b64encode(f"{task['publicKey']}:{task['secretKey']}".encode()).decode()


def iso(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def millis(iso_time):
    return round(datetime.fromisoformat(iso_time.replace("Z", "+00:00")).timestamp() * 1000)


def page(cursor):
    query = {
        "limit": 1000,
        "fromStartTime": iso(task["fromMs"]),
        "toStartTime": iso(task["fromMs"] + task["days"] * 86_400_000),
        "fields": "core,basic,time,usage,metadata",
    }
    if cursor:
        query["cursor"] = cursor
    url = f"{task['url']}/api/public/v2/observations?{urllib.parse.urlencode(query)}"
    while True:
        try:
            request = urllib.request.Request(url, headers={"Authorization": f"Basic {key}"})
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise


begin = time.perf_counter()
path = os.path.join(task["folder"], "plain.db")
db = sqlite3.connect(path)
db.execute("CREATE TABLE rows (trace_id, id, updated, start_ms, duration_ms, body, PRIMARY KEY (trace_id, id))")
cursor = None
while True:
    answer = page(cursor)
    db.executemany(
        """INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET updated = excluded.updated,
           start_ms = excluded.start_ms, duration_ms = excluded.duration_ms, body = excluded.body
           WHERE excluded.updated >= rows.updated""",
        [
            (
                row.get("traceId") or "",
                row["id"],
                row.get("updatedAt") or "",
                millis(row["startTime"]),
                millis(row["endTime"]) - millis(row["startTime"]) if row.get("endTime") else 0,
                json.dumps(row),
            )
            for row in answer["data"]
            if row["type"] == "GENERATION"
        ],
    )
    cursor = answer["meta"].get("cursor")
    if not cursor:
        break
db.commit()
calls, start_sum, durations = db.execute(
    "SELECT COUNT(*), SUM(start_ms - ?), SUM(duration_ms) FROM rows", (task["fromMs"],)
).fetchone()
used = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "aggregates": {"calls": calls, "startSumMs": start_sum, "durationSumMs": durations},
            "wallMs": (time.perf_counter() - begin) * 1000,
            "cpuMs": (used.ru_utime + used.ru_stime) * 1000,
            "peakBytes": used.ru_maxrss * 1024,
            "notes": {"stateBytes": os.path.getsize(path)},
        }
    )
)
