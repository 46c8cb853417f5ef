"""What the gateway's own callback did: one MLflow run per call (or per session), from MLflow's Python client."""
import json, resource, sys, time

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

task = json.loads(sys.argv[1])
client = MlflowClient(task["mlflowUrl"])
experiment = client.create_experiment(f"bench {task['folder']}")
names = ["latency_ms", "prompt_tokens", "completion_tokens", "total_tokens", "cost_usd"]
begin = time.perf_counter()
for index in range(task["runs"]):
    run = client.create_run(experiment, run_name=f"call {index}")
    now = int(time.time() * 1000)
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(name, float(index), now, 0) for name in names],
        params=[Param("model", "gpt-5-mini"), Param("session_id", str(index))],
    )
    client.log_text(run.info.run_id, f"# Call {index}\n", "prompt.md")
    client.set_terminated(run.info.run_id)
used = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "aggregates": None,
            "wallMs": (time.perf_counter() - begin) * 1000,
            "cpuMs": (used.ru_utime + used.ru_stime) * 1000,
            "peakBytes": used.ru_maxrss * 1024,
            "notes": {"created": task["runs"]},
        }
    )
)
