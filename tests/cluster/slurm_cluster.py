"""A Slurm of two nodes on this machine: the login node, and `node2`, whose processes are out of its sight.

node2's daemon runs in namespaces of its own: other process ids, another host name, another /proc. Killing the first
process of these namespaces is what the loss of a machine is.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun", "scontrol", "unshare")
USED_BY_THE_LAUNCHER = ("sbatch", "squeue", "scancel", "srun", "scontrol")

GEOMETRY = ("CPUs", "Boards", "SocketsPerBoard", "CoresPerSocket", "ThreadsPerCore")

CONFIGURATION = """
ClusterName=two
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmctldPort={ports[0]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=20
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeAddr=127.0.0.1 Port={ports[1]} {hardware}
NodeName=node2 NodeHostname=node2 NodeAddr=127.0.0.1 Port={ports[2]} {hardware}
PartitionName=batch Nodes=node2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 OverSubscribe=FORCE:4
PartitionName=short Nodes=node2 MaxTime=5 State=UP PriorityTier=1 OverSubscribe=FORCE:4
PartitionName=urgent Nodes=node2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing_part() -> str | None:
    """Why the cluster cannot be started here; None where it can."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: slurm-wlm, munge)"
    if os.getuid() != 0:
        return "needs root, for the daemons and the name spaces"
    command = ["unshare", "--pid", "--uts", "--mount", "--fork", "true"]
    return None if subprocess.run(command, capture_output=True).returncode == 0 else "unshare is not permitted here"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def hardware() -> str:
    """This machine's cores, as a line of the configuration has them."""
    words = subprocess.run(["slurmd", "-C"], capture_output=True, text=True, check=True).stdout.split()
    return " ".join(word for word in words if word.partition("=")[0] in GEOMETRY)


class SlurmCluster:
    """The daemons, and Slurm's commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("munge", "state", "spool-node2", "programs"):
            (folder / name).mkdir(mode=0o755)
        configuration = CONFIGURATION.format(
            host=socket.gethostname(), folder=folder, ports=free_ports(3), hardware=hardware()
        )
        (folder / "slurm.conf").write_text(configuration)
        for program in USED_BY_THE_LAUNCHER:  # no sacct: this Slurm has no accounting
            (folder / "programs" / program).symlink_to(shutil.which(program) or program)
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}

    def start(self) -> None:
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        files = {"key": "key-file", "socket": "socket", "pid": "pid-file", "log": "log-file", "seed": "seed-file"}
        options = [f"--{option}={munge / name}" for name, option in files.items()]
        self.spawn("munged", ["munged", "--foreground", "--force", *options])
        self.wait(lambda: (munge / "socket").exists(), "munged")
        self.spawn("slurmctld", ["slurmctld", "-D", "-c", "-i"])
        self.wait(lambda: self.run("scontrol", "ping").returncode == 0, "slurmctld")
        self.start_node()

    def start_node(self) -> None:
        """Start node2, as a machine that boots."""
        script = "hostname node2 && mount -t proc proc /proc && exec slurmd -N node2 -D"
        namespaces = ["unshare", "--pid", "--uts", "--mount", "--fork", "--kill-child=KILL"]
        self.spawn("node2", [*namespaces, "bash", "-c", script])
        self.wait(lambda: self.run("sinfo", "-h", "-n", "node2", "-p", "batch", "-o", "%T").stdout.strip() in
                  ("idle", "mixed", "allocated"), "node2")  # fmt: skip

    def kill_node(self) -> None:
        """Take node2 away with every process on it, without a word."""
        self.processes["node2"].kill()
        self.processes["node2"].wait()

    def stop(self) -> None:
        for name in ("node2", "slurmctld", "munged"):
            if name in self.processes:
                self.processes[name].kill()
                self.processes[name].wait()

    def spawn(self, name: str, command: list[str]) -> None:
        output = (self.folder / f"{name}.output").open("ab")
        self.processes[name] = subprocess.Popen(command, env=self.environment, stdout=output, stderr=output)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """One of Slurm's commands."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)

    def jobs(self) -> Mapping[str, str]:
        """The states of all jobs by their ids, such as 5_0."""
        rows = self.run("squeue", "-h", "-a", "-r", "-t", "all", "-o", "%i %T").stdout.split("\n")
        return dict(row.split() for row in rows if row)

    def launcher_environment(self, **more: str) -> dict[str, str]:
        """Of the command that launches: with those of Slurm's programs that the launcher needs, and no other."""
        python = str(Path(sys.executable).parent)
        path = os.pathsep.join([str(self.folder / "programs"), python, "/bin"])
        return {**self.environment, "PATH": path, **more}

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.run('squeue', '-a', '-t', 'all').stdout}"
            time.sleep(0.5)
