// Loaded before a node: each SIGUSR2 sets its wall clock by the next of STEP_WALL_BY_MS, as an
// operator would.

const now = Date.now.bind(Date);
const steps = process.env.STEP_WALL_BY_MS.split(',').map(Number);
let offsetMs = 0;
Date.now = () => now() + offsetMs;
process.on('SIGUSR2', () => {
  offsetMs += steps.shift() ?? 0;
});
