export function performancePage() { return ''; }
