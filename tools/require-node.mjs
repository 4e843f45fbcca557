// Plain JavaScript on purpose: it must be readable by the old Node it complains about.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `latchkey needs Node 24 or newer, and this is Node ${process.versions.node}: run it through npm (npm ci brings Node 24 along), or install Node 24.`,
  );
  process.exit(1);
}
