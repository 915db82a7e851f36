/* global document */
/** An element with properties and children; false and null children are left out. Text stays text. */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'dateTime' || name === 'role') element.setAttribute(name.toLowerCase(), value);
    else element[name] = value;
  }
  element.append(
    ...children
      .flat(3)
      .filter((child) => child !== false && child !== null && child !== undefined && child !== ''),
  );
  return element;
}

/** The child with this key, made once. */
export function keep(parent, key, make) {
  const found = [...parent.children].find((child) => child.dataset.key === key);
  if (found) return found;
  const made = make();
  made.dataset.key = key;
  parent.append(made);
  return made;
}

/** Hours, minutes and seconds as the reader's language writes them. */
export function time(at) {
  return new Date(at).toLocaleTimeString();
}
