/** Formats of drives. */
export const DRIVE_FORMATS = ['raw', 'qcow2'] as const;

export type DriveFormat = (typeof DRIVE_FORMATS)[number];
