#!/usr/bin/env bash
# Runs a command beside a SLURM of its own: one node, with two GPUs that are none.
#   tools/cluster.sh pytest tests/test_cluster.py
#   tools/cluster.sh --missing      prints which of Debian's packages it needs and has not
# Daemons, configuration and state live in namespaces of the kernel's. These end with the command, however it ends:
# nothing stays in /etc/slurm, and no process goes on. It needs root's rights.
set -euo pipefail

fail() {
  echo "error: $1" >&2
  exit 1
}

# All that SLURM reads and writes, where Debian's packages look for it.
here=/etc/slurm

missing() {
  for package in slurmctld:slurmctld slurmd:slurmd slurm-client:sbatch munge:munged iproute2:ip \
    openssh-server:sshd openssh-client:ssh-keygen; do
    PATH=$PATH:/usr/sbin command -v "${package#*:}" >/dev/null || echo "${package%:*}"
  done
  [ -d /usr/lib/postgresql ] || echo postgresql
}

outside() {
  packages=$(missing | xargs)
  [ -z "$packages" ] || fail "Debian's packages $packages are missing: apt-get install $packages"
  [ "$(id -u)" = 0 ] || fail "only root can start SLURM's daemons"
  # In the background, as bash heeds no signal while it waits for a command.
  setpriv --pdeathsig KILL \
    unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$@" &
  trap 'kill -KILL $!; exit 130' INT TERM
  wait $!
}

inside() {
  export PATH=$PATH:/usr/sbin LATENTGRID_CLUSTER=1 # tests that start services of their own look for it
  ip link set lo up
  # SLURM finds no name where there are loopback addresses alone.
  ip address add 192.0.2.1/32 dev lo
  mount -t tmpfs -o mode=755 none $here
  mkdir -p $here/{state,spool,munge}
  node=$(hostname -s)
  # SLURM wants a GPU's file to be a device.
  mknod $here/gpu0 c 1 3
  mknod $here/gpu1 c 1 3
  cat >$here/slurm.conf <<C
ClusterName=trial
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=60000
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
NodeName=$node NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 Gres=gpu:2 State=UNKNOWN

PartitionName=cpu Nodes=$node MaxTime=1440 State=UP
PartitionName=gpu Nodes=$node MaxTime=1440 State=UP
C
  echo "NodeName=$node Name=gpu File=$here/gpu[0-1]" >$here/gres.conf
  head -c 1024 /dev/urandom >$here/munge/key
  chmod 600 $here/munge/key
  munged --force --key-file=$here/munge/key --socket=$here/munge/socket --pid-file=$here/munge/pid \
    --log-file=$here/munge/log --seed-file=$here/munge/seed
  slurmctld -c
  slurmd -N "$node"
  for _ in {1..20}; do
    if [ "$(timeout 2 sinfo -h -p cpu -o %T 2>/dev/null)" = idle ]; then
      "$@"
      exit
    fi
    sleep 0.5
  done
  tail -n 5 $here/slurm*.log >&2
  fail "SLURM did not start within 50 seconds"
}

case "${1:-}" in
--inside) inside "${@:2}" ;;
--missing) missing ;;
*) outside "$@" ;;
esac
