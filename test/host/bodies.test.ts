import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CatalogueError, findBody, parseCatalogue, recordedBody, shippedBodies } from '../../hwsim/world/bodies.ts';

const table = `designation,delta_v_km_s,rel_moon,rel_mars,H,a_au,e,i_deg
2011 CG2,4.117,0.686,0.655,21.5,1.177,0.158,2.8
(433) Eros 1898 DQ,6.069,1.012,0.963,11.2,1.458,0.223,10.8
`;
const query = JSON.stringify({
  signature: { version: '1.0', source: 'NASA/JPL Small-Body Database (SBDB) Query API' },
  count: 2,
  fields: ['full_name', 'H', 'a', 'e', 'i'],
  data: [
    ['   433 Eros (A898 PA)', '10.4', '1.458', '.2228', '10.83'],
    ['       (2011 CG2)', '21.5', '1.177', '.158', '2.8'],
  ],
});

test('at most 128 bodies ship, all whole, each with its source', () => {
  const bodies = shippedBodies();
  assert.ok(bodies.length > 100 && bodies.length <= 128);
  for (const body of bodies) {
    assert.is(body.source, 'JPL');
    assert.ok(body.deltaVKmS !== null && body.deltaVKmS > 3 && body.aAu > 0.5, body.designation);
  }
});

test('a table of Δv is read', () => {
  const { bodies, bad } = parseCatalogue(table, 'mine.csv');
  assert.equal(bad, []);
  assert.equal(bodies[0], {
    designation: '2011 CG2',
    deltaVKmS: 4.117,
    h: 21.5,
    aAu: 1.177,
    e: 0.158,
    iDeg: 2.8,
    source: 'JPL',
  });
});

test("the JPL query's JSON and CSV give the same", () => {
  const csv = [
    'full_name,H,a,e,i\r\n',
    '"   433 Eros (A898 PA)",10.4,1.458,.2228,10.83\r\n',
    '"       (2011 CG2)",21.5,1.177,.158,2.8\r\n',
  ].join('');
  const fromJson = parseCatalogue(query, 'query.json').bodies;
  assert.equal(parseCatalogue(csv, 'query.csv').bodies, fromJson);
  assert.is(fromJson[0].deltaVKmS, null);
  assert.is(findBody(fromJson, 'eros').designation, '433 Eros (A898 PA)');
  assert.is(findBody(fromJson, '2011 cg2').designation, '(2011 CG2)');
});

test('a body answers to its number, name and designation', () => {
  for (const name of ['(101955) Bennu 1999 RQ36', '101955', 'bennu', '1999 RQ36']) {
    assert.match(findBody(shippedBodies(), name).designation, /Bennu/);
  }
});

test('a body of a catalogue answers to pdes, name, and number with name in either form', () => {
  const whole = 'full_name,pdes,name,H,a,e,i\n"   433 Eros (A898 PA)",433,Eros,10.4,1.458,.2228,10.83\n';
  const parts = 'pdes,name,H,a,e,i\n433,Eros,10.4,1.458,.2228,10.83\n2011 CG2,,21.5,1.177,.158,2.8\n';
  const own = 'designation,name,H,a,e,i\nA0433,Eros,10.4,1.458,.2228,10.83\n';
  for (const wanted of ['(433) Eros', '433 eros', '433', '(433)', 'Eros', 'A898 PA'])
    assert.is(findBody(parseCatalogue(whole, 'x.csv').bodies, wanted).designation, '433 Eros (A898 PA)', wanted);
  const { bodies } = parseCatalogue(parts, 'x.csv');
  for (const wanted of ['(433) Eros', '433', 'eros']) assert.is(findBody(bodies, wanted).designation, '433 Eros');
  assert.is(findBody(bodies, '2011 CG2').designation, '2011 CG2');
  for (const wanted of ['A0433', 'eros'])
    assert.is(findBody(parseCatalogue(own, 'x.csv').bodies, wanted).designation, 'A0433');
  for (const wanted of ['(433) Eros', '433 Eros']) assert.match(findBody(shippedBodies(), wanted).designation, /Eros/);
  const survey = 'designation,H,a,e,i\n2340 Hathor (6344 P-L),20,0.84,0.45,5.8\n6344 P-L,19,2.8,0.6,4\n';
  assert.is(findBody(parseCatalogue(survey, 'x.csv').bodies, '2340 hathor').h, 20);
});

test('the header of a catalogue may be a comment, as KStars writes it', () => {
  for (const first of ['#full_name', '# full_name', '"# full_name"']) {
    const text = `${first},H,a,e,i\n"   433 Eros (A898 PA)",10.4,1.458,.2228,10.83\n`;
    assert.is(findBody(parseCatalogue(text, 'x.csv').bodies, 'Eros').aAu, 1.458, first);
  }
});

test('an orbit that is not bound, and a number that is not decimal, are refused', () => {
  const row = (name: string, e: string, i = '3') => `${name},20,1.1,${e},${i}`;
  const rows = ['designation,H,a,e,i', row('A', '0.999'), row('B', '1'), row('C', '1.0'), row('D', '1.2')];
  const more = [
    row('E', '0.1', '0x10'),
    row('F', '0b0'),
    row('G', '0.1', 'Infinity'),
    row('H', '1e-1', '.5'),
    row('I', '0', '1 0'),
  ];
  const { bodies, bad } = parseCatalogue([...rows, ...more].join('\n'), 'x.csv');
  assert.equal(
    bodies.map(({ designation }) => designation),
    ['A', 'H'],
  );
  assert.match(bad[0].message, /is '1', not a number from 0 to below 1 \(bound orbits only\)/);
  assert.match(bad[3].message, /is '0x10', not a number from 0 to 180 degrees/);
  const odd = JSON.stringify({
    fields: ['full_name', 'H', 'a', 'e', 'i'],
    data: [
      ['A', 20, 1.1, [0.1], true],
      ['B', 20, 1.1, 0.1, 3],
    ],
  });
  assert.is(parseCatalogue(odd, 'x.json').bodies.length, 1);
});

test('a recorded body is checked like a row of a catalogue', () => {
  const [body] = shippedBodies();
  assert.equal(recordedBody(structuredClone(body), 'body.json'), body);
  for (const [part, reason] of [
    [{ e: 1 }, /^body\.json: e is no number from 0 to below 1/],
    [{ aAu: '1.1' }, /^body\.json: aAu is no number/],
    [{ deltaVKmS: undefined }, /^body\.json: deltaVKmS is no number/],
    [{ designation: 3 }, /^body\.json: is no body of a recorded run/],
  ] as const)
    assert.throws(
      () => recordedBody({ ...body, ...part }, 'body.json'),
      (error: Error) => error instanceof CatalogueError && reason.test(error.message),
    );
  assert.throws(() => recordedBody(null, 'body.json'), /h is no number/);
});

test('a slip of the pen gets a suggestion', () => {
  assert.throws(() => findBody(shippedBodies(), 'Benu'), /did you mean \(101955\) Bennu/);
});

test('a name of several bodies names them', () => {
  const table = 'designation,H,a_au,e,i_deg\n(1) Castor 1999 AB,1,1,0.1,1\n(2) Castor 1999 AC,1,1,0.1,1\n';
  assert.throws(
    () => findBody(parseCatalogue(table, 'x').bodies, 'castor'),
    /matches several: \(1\) Castor 1999 AB; \(2\) Castor/,
  );
});

test('bad rows are named with line and field, and left out', () => {
  const rows = [
    'designation,H,a_au,e,i_deg',
    'A,20,1.1,0.1,3',
    'B,x,1.1,0.1,3',
    'C,20,,0.1,3',
    'D,20,1.1,1.7,3',
    'A,20,1.1,0.1,3',
    ',20,1,0,3',
    'E,20',
  ];
  const { bodies, bad } = parseCatalogue(rows.join('\n'), 'x.csv');
  assert.equal(
    bodies.map(({ designation }) => designation),
    ['A'],
  );
  const places = bad.map(({ line, field }) => `${line} ${field}`);
  assert.equal(places, ['3 H', '4 a_au', '5 e', '6 designation', '7 designation', '8 a_au', '8 e', '8 i_deg']);
});

test('a catalogue leaves bounded memory: first faults alone, short rows, and bodies up to a number', () => {
  const rows = ['designation,H,a,e,i', 'A,20,1.1,0.1,3', ...Array.from({ length: 5000 }, () => 'B,,,,')];
  const { bodies, bad, badCount } = parseCatalogue(rows.join('\n'), 'x.csv');
  assert.is(bodies.length, 1);
  assert.ok(bad.length < 1010 && badCount === 5000 * 4, `${bad.length} of ${badCount}`);
  const wide = `designation,H,a,e,i\nA,20,1.1,0.1,3${','.repeat(100_000)}\n`;
  assert.throws(() => parseCatalogue(wide, 'x.csv'), /x\.csv: line 2 has more than 65536 characters \(shorten it\)/);
  const chained = 'designation,H,a,e,i\nA,20,1.1,0.1,3,"\n",,"\n"\n';
  assert.throws(() => parseCatalogue(chained, 'x.csv'), /x\.csv: line 2 has a quote that is not closed/);
  const long = `{"fields": [], "data": []${' '.repeat(64 << 20)}}`;
  assert.throws(
    () => parseCatalogue(long, 'x.json'),
    /x\.json: has more than 67108864 characters of JSON \(give it as CSV\)/,
  );
});

test('a catalogue that is none is an error with the file in it', () => {
  for (const [text, reason] of [
    ['', /x\.csv: is empty/],
    ['{"fields": 3}', /x\.csv: needs the arrays/],
    ['{"fields": [', /x\.csv: .*JSON/],
    ['a,b\n1,2\n', /no column designation/],
    ['designation,H,a_au,e,i_deg\n', /no body can be read; it has no rows/],
    ['designation,H,a_au,e,i_deg\nA,20,1.1,9,3\n', /line 2: e is '9'/],
    ['a,"b\n', /x\.csv/],
  ] as const) {
    assert.throws(
      () => parseCatalogue(text, 'x.csv'),
      (error: Error) => error instanceof CatalogueError && reason.test(error.message),
      text,
    );
  }
});

test.run();
