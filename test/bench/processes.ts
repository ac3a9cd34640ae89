import { readdirSync, readFileSync } from 'node:fs';
import type { Run } from '#testing/stack.js';

/** Linux counts CPU time in hundredths of a second. */
const TICK_MS = 10;
const LOOK_EVERY_MS = 100;

interface Process {
  pid: number;
  parent: number;
  cpuMs: number;
}

/** CPU milliseconds each part has used so far, with its children; Postgres works in many. */
export function cpuByPart(run: Run): Record<string, number> {
  const all = processes();
  const parts = Object.entries(run.parts).map(([part, { pid }]) => [
    part,
    treeOf(pid, all).reduce((sum, process) => sum + process.cpuMs, 0),
  ]);
  return Object.fromEntries(parts) as Record<string, number>;
}

/** Proportional set size in MiB: what pages cost that several processes share is counted once. */
export function memoryByPart(run: Run): Record<string, number> {
  const all = processes();
  const ofParts = new Set(Object.values(run.parts).map(({ pid }) => pid));
  const sum = (found: Process[]) => found.reduce((mib, { pid }) => mib + pssMib(pid), 0);
  const parts = Object.entries(run.parts).map(([part, { pid }]) => [part, sum(treeOf(pid, all))]);
  const supervisor = all.filter(({ pid }) => pid === run.pid && !ofParts.has(pid));
  return Object.fromEntries([...parts, ['supervisor', sum(supervisor)]]) as Record<string, number>;
}

/** Resident memory of some parts in MiB, from now on. */
export function watchMemory(run: Run, parts: string[]) {
  const look = () => Object.fromEntries(parts.map((part) => [part, residentMib(run.parts[part]!.pid)]));
  const before = look();
  const peak = { ...before };
  const timer = setInterval(() => {
    for (const [part, mib] of Object.entries(look())) peak[part] = Math.max(peak[part]!, mib);
  }, LOOK_EVERY_MS);
  return { before, peak, stop: () => clearInterval(timer) };
}

/** Nothing of a process that has ended: why it has is for whoever waits for it to say. */
function residentMib(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function pssMib(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // It has ended meanwhile.
  }
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
        return [{ pid: Number(name), parent: Number(fields[1]), cpuMs }];
      } catch {
        return [];
      }
    });
}

function treeOf(pid: number, all: Process[]): Process[] {
  const children = all.filter(({ parent }) => parent === pid).flatMap((child) => treeOf(child.pid, all));
  return [...all.filter((process) => process.pid === pid), ...children];
}
