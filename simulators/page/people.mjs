/**
 * Who owns which address: as the simulators were told, else by name: the mailbox `ada@…` and the topic
 * `pdlite-ada` belong to Ada. A number that nobody claimed is a phone of its own.
 */
export function groupPeople(items, known) {
  const people = new Map(known.map(({ name, addresses }) => [name, person(name, addresses)]));
  const owners = new Map();
  for (const { name, addresses } of known)
    for (const address of addresses) owners.set(address.toLowerCase(), name);
  const sorted = items.sort((a, b) => a.at.localeCompare(b.at));
  for (const item of sorted) {
    const name = owners.get(item.address.toLowerCase()) ?? nameOf(item.address);
    if (!people.has(name)) people.set(name, person(name, []));
    const owner = people.get(name);
    owner.addresses.add(item.address);
    owner.items.push(item);
  }
  return [...people.values()].sort((a, b) => a.name.localeCompare(b.name));
}

function person(name, addresses) {
  return { name, addresses: new Set(addresses), items: [] };
}

function nameOf(address) {
  if (address.startsWith('+')) return address;
  const local = address.split('@')[0].replace(/^pdlite[-_]/, '');
  return local
    .split(/[.\-_+]/)
    .filter(Boolean)
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join(' ');
}
