/** What a node of small tests can do: the figures of its configuration. */
export const capability = {
  ...{ rateMax: 200, storageKg: 1000, batteryWh: 1000, solarW: 1000 },
  ...{ baseW: 10, replicateW: 10, mineWhPerKg: 10 },
};
