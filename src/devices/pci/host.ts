import type { Backends, GuestBalloon, GuestNetwork, GuestPort, GuestSockets } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import type { Slot } from './device.ts';

/** The host's sides of the functions. An event of the bus is the number of a slot. */
export class PciHostSide implements HostSide {
  readonly ports: readonly GuestPort[];
  readonly sockets?: GuestSockets;
  readonly balloon?: GuestBalloon;
  readonly network?: GuestNetwork;
  readonly #sides: ReadonlyMap<number, HostSide>;

  constructor(slots: readonly Slot[], backends: Backends) {
    const sides = slots.map((slot) => [slot.number, slot.function.connect?.(backends)] as const);
    this.#sides = new Map(sides.filter((each): each is [number, HostSide] => each[1] !== undefined));
    this.ports = [...this.#sides.values()].flatMap(({ ports = [] }) => ports);
    const [sockets] = [...this.#sides.values()].flatMap((side) => side.sockets ?? []);
    if (sockets !== undefined) this.sockets = sockets;
    const [balloon] = [...this.#sides.values()].flatMap((side) => side.balloon ?? []);
    if (balloon !== undefined) this.balloon = balloon;
    const [network] = [...this.#sides.values()].flatMap((side) => side.network ?? []);
    if (network !== undefined) this.network = network;
  }

  hear(event: number): void {
    this.#sides.get(event)?.hear(0);
  }

  pause(): void {
    for (const side of this.#sides.values()) side.pause?.();
  }

  restored(): void {
    for (const side of this.#sides.values()) side.restored?.();
  }

  resume(): void {
    for (const side of this.#sides.values()) side.resume?.();
  }

  finish(): void {
    for (const side of this.#sides.values()) side.finish?.();
  }
}
