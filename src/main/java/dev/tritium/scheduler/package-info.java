/** Many sequences: admission, the queue, the batch of each step, cancellation. */
@NullMarked
package dev.tritium.scheduler;

import org.jspecify.annotations.NullMarked;
