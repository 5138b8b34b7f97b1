import byzantine from './byzantine-1.yaml';
import clusterNeo from './cluster-neo.yaml';
import isolation from './isolation-30d.yaml';
import lossy from './lossy-30pct.yaml';
import mixedHardware from './mixed-hardware.yaml';
import quiet from './quiet.yaml';
import storm from './storm.yaml';
import stormS5 from './storm-s5.yaml';

/** The scenarios that ship with the project, by name, as the YAML text beside this file. */
export const shippedScenarios: Readonly<Record<string, string>> = {
  'cluster-neo': clusterNeo,
  'isolation-30d': isolation,
  'lossy-30pct': lossy,
  storm,
  'storm-s5': stormS5,
  'mixed-hardware': mixedHardware,
  quiet,
  'byzantine-1': byzantine,
};
