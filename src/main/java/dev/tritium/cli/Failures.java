package dev.tritium.cli;

import dev.tritium.checkpoint.CheckpointException;
import dev.tritium.tokenizer.ChatTemplateException;
import dev.tritium.tokenizer.TokenizerException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/** Says in one line what a user can mend; anything else keeps its stack trace. */
final class Failures implements IExecutionExceptionHandler {
  @Override
  public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed)
      throws Exception {
    if (e instanceof CheckpointException
        || e instanceof TokenizerException
        || e instanceof ChatTemplateException
        || e instanceof IllegalArgumentException) {
      command.getErr().println("tritium: " + e.getMessage());
      return command.getCommandSpec().exitCodeOnExecutionException();
    }
    throw e;
  }
}
