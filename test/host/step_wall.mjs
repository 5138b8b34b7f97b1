// Loaded before a node: each SIGUSR2 sets its wall clock by the next of HELIOGRAPH_STEPS_MS, as an
// operator would.

const now = Date.now.bind(Date);
const steps = process.env.HELIOGRAPH_STEPS_MS.split(',').map(Number);
let offsetMs = 0;
Date.now = () => now() + offsetMs;
process.on('SIGUSR2', () => {
  offsetMs += steps.shift() ?? 0;
});
