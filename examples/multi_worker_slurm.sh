#!/usr/bin/env bash
# Workers on Slurm, one a node: sbatch examples/multi_worker_slurm.sh
#
# Two minutes before the time limit Slurm sends SIGTERM: all workers save and stop with status 143.
# The job then asks to be queued again, and goes on where it stopped.
#SBATCH --job-name=glow
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail

hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/.*/"&:2222"/' | paste -s -d ,)
export hosts

status=0
srun --kill-on-bad-exit=0 bash -c '
  export TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec python3 -m trainers.glow --strategy=multi_worker --workdir=runs/glow --dataset=cifar10 --data_dir=data
' || status=$?
if [ "$status" -eq 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
