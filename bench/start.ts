/** Agent start to ready: from spawning the process to its own word that keypad and printers are served, one job held. */
import { Fleet } from "../test/e2e/fleet.ts";
import { describeMachine, formatFigure } from "./machine.ts";

const RUNS = Number(process.argv[2] ?? 10);
const fleet = await Fleet.start();
try {
  await fleet.addAgent({ lobby: {} });
  const measured: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now();
    await fleet.startAgent("lobby");
    measured.push(performance.now() - begin);
    await fleet.stop("lobby");
  }
  console.log(describeMachine());
  console.log(`agent start to ready: ${formatFigure(measured, "ms", 0)}`);
} finally {
  await fleet.close();
}
