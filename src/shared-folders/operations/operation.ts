import type { SharedFolder } from '../folder.ts';
import type { FuseReply } from '../fuse/reply.ts';
import type { FuseRequest } from '../fuse/request.ts';

/**
 * Carries out a kind of request: the bytes that it adds to the reply are the answer.
 *
 * @throws FolderError that is the answer
 */
export type Operation = (folder: SharedFolder, request: FuseRequest, reply: FuseReply) => void;

/**
 * Operations by their opcodes. One whose answer has a fixed length is not begun without room for that: the guest must
 * not miss what it is told of.
 */
export type Operations = readonly (readonly [opcode: number, operation: Operation, answerBytes?: number])[];
