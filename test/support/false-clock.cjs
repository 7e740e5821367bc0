// Loaded into a process before anything else: its wall clock is off by the milliseconds in the file that FALSE_CLOCK names, read anew each time.
const { readFileSync } = require('node:fs');

const trueNow = Date.now;
Date.now = () => {
  try {
    return trueNow() + Number(readFileSync(process.env.FALSE_CLOCK, 'utf8'));
  } catch {
    return trueNow();
  }
};
